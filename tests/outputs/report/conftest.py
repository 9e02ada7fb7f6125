"""Output folders with real documents and pictures, and a reader of pages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from stlkit.mesh.analysis import analyze
from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.intake import read_stl
from stlkit.mesh.validation import validate
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.outputs.failed import record_failure
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.placing import link_source, place_json, place_text
from stlkit.outputs.summary import write_summary

MOMENT = datetime(2026, 1, 15, 10, 30, 5, tzinfo=UTC)
PALETTE = ("red", "deep sea=#003366")
_VOID = {"meta", "img", "input", "br", "rect", "path"}


class Page(HTMLParser):
    """A page, taken apart: cards with their text and links, and every address in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cards: list[dict] = []
        self.title = ""
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), "no attribute comes twice"
        self.tags.append((tag, attributes))
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "article":
            self.cards.append({"text": "", "name": "", "links": {}, "images": [], **attributes})
        elif "article" in self._open:
            if tag == "a":
                self.cards[-1]["links"][attributes["href"]] = ""
            elif tag == "img":
                self.cards[-1]["images"].append(attributes)

    def handle_endtag(self, tag):
        if tag in _VOID:  # shapes of an SVG end as they begin
            return
        assert self._open.pop() == tag, "elements are nested"

    def handle_data(self, data):
        if "title" in self._open:
            self.title += data
        if "article" in self._open:
            self.cards[-1]["text"] += f"{data}\n"
            if "h3" in self._open:
                self.cards[-1]["name"] += data

    @property
    def names(self) -> list[str]:
        return [card["name"] for card in self.cards]

    @property
    def addresses(self) -> list[str]:
        return [
            a[key] for _, a in self.tags for key in ("href", "src", "action", "data", "poster", "srcset") if key in a
        ]

    def file_of(self, address: str) -> Path:
        """Return the file that a link leads to, as a browser would find it."""
        return self.path.parent / Path(unquote_to_bytes(address).decode("utf-8", "surrogateescape"))


@pytest.fixture
def read_page() -> Callable[[Path], Page]:
    return Page


def picture(width: int = 160, height: int = 90) -> Image.Image:
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    return Image.fromarray(np.broadcast_to(ramp[None, :, None], (height, width, 3)).copy())


class Maker:
    """Makes models in an output folder as jobs do, except that pictures are drawn with a ruler."""

    def __init__(self, base: Path, stl_bytes: bytes) -> None:
        self.base = base
        self._stl_bytes = stl_bytes
        self.jobs: list[QueueJob] = []

    def model(self, name="ModelA", stl_bytes=None, *, pictures=True, output_name=None, **settings) -> OutputLayout:
        """Make everything about one model; return where it is."""
        layout = self._layout(output_name or name, settings)
        stl_path = self._source(name, stl_bytes or self._stl_bytes)
        reading = read_stl(stl_path)
        validated = validate(reading, ValidationOptions())
        analysis = analyze(validated.mesh, reading.report, ValidationOptions())
        files = [layout.validation, layout.analysis, layout.dimensions]
        values = validated.report, analysis, measure_dimensions(validated.mesh)
        for path, value in zip(files, values, strict=True):
            place_json(path, to_plain(value), within=self.base)
        if pictures:
            drawn = [layout.render, layout.size_chart, *map(layout.color_variation, PALETTE)]
            for path in drawn:
                path.parent.mkdir(parents=True, exist_ok=True)
                picture().save(path)
            layout.video.parent.mkdir(parents=True, exist_ok=True)
            layout.video.write_bytes(b"mp4")
            files += [*drawn, layout.video]
        if layout.source_link is not None:
            files.append(link_source(layout.source_link, stl_path, within=self.base))
        files.append(place_text(layout.processing_log, "log", within=self.base))
        warnings = validated.report.warnings
        results = JobResults(
            validation_passed=validated.report.passed, files_generated=tuple(files), warnings=warnings, faces=12
        )
        self._add(layout, stl_path, JobState.COMPLETED, results=results)
        return layout

    def failed(
        self, name="Broken", message="the file is empty (0 bytes)", state=JobState.FAILED, warnings=(), **settings
    ) -> None:
        """Make what is left of a model that could not be processed."""
        layout = self._layout(name, settings)
        stl_path = self._source(name, b"")
        findings = read_stl(stl_path).report.findings if state is JobState.FAILED else ()
        files = record_failure(layout, stl_path, message, findings)
        results = JobResults(files_generated=files, warnings=warnings)
        self._add(layout, stl_path, state, results=results, error_message=message)

    def waiting(self, name, state) -> None:
        """Make a job that has not ended."""
        self._add(self._layout(name, {}), self._source(name, b""), state, completed_at=None, actual_duration=None)

    def summary(self) -> Path:
        """Write the summary."""
        return write_summary(self.base, self.jobs, moment=MOMENT + timedelta(days=1))

    def _layout(self, name, settings):
        return OutputLayout(
            base_folder=self.base,
            output_name=name,
            settings=OutputSettings(**settings),
            render_options=RenderOptions(color_palette=PALETTE),
            moment=MOMENT,
        )

    def _source(self, name, data):
        path = self.base.parent / "models" / f"{name}.stl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    def _add(self, layout, stl_path, state, **changes):
        fields = {
            "id": f"job_{len(self.jobs)}",
            "stl_path": stl_path,
            "output_folder": layout.model_folder,
            "output_base_folder": self.base,
            "output_name": layout.output_name,
            "state": state,
            "created_at": MOMENT,
            "completed_at": MOMENT + timedelta(seconds=len(self.jobs)),
            "actual_duration": 1.5 + len(self.jobs),
            "attempts": 1,
        }
        self.jobs.append(QueueJob(**(fields | changes)))


@pytest.fixture
def make(base, box_stl) -> Maker:
    return Maker(base, box_stl(20, 30, 40))


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "spring sale"
    folder.mkdir()
    return folder
