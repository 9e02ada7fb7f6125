"""Jobs and layouts to try things on."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions
from stlkit.outputs.layout import OutputLayout

MOMENT = datetime(2026, 1, 15, 10, 30, 5, tzinfo=UTC)


@pytest.fixture
def moment() -> datetime:
    return MOMENT


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return an output folder beside, not above, everything else of the test."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def make_layout(base: Path) -> Callable[..., OutputLayout]:
    def make(name: str = "ModelA", palette: tuple[str, ...] = ("red", "blue", "green"), **settings) -> OutputLayout:
        return OutputLayout(
            base_folder=base,
            output_name=name,
            settings=OutputSettings(**settings),
            render_options=RenderOptions(color_palette=palette),
            moment=MOMENT,
        )

    return make


@pytest.fixture
def make_job(base: Path) -> Callable[..., QueueJob]:
    def make(name: str = "ModelA", **changes) -> QueueJob:
        fields = {
            "id": f"job_{name}",
            "stl_path": Path("/models", f"{name}.stl"),
            "output_folder": base / name,
            "output_base_folder": base,
            "output_name": name,
            "state": JobState.COMPLETED,
            "created_at": MOMENT,
            "completed_at": MOMENT,
            "actual_duration": 1.5,
            "attempts": 1,
        }
        return QueueJob(**(fields | changes))

    return make
