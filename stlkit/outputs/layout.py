"""Where each output of a job goes, in each of the three layouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from stlkit.errors import OutputError
from stlkit.model.options import Organization, OutputSettings, RenderOptions
from stlkit.model.times import utc_now
from stlkit.outputs.names import (
    FAILED_FOLDER,
    SUMMARY_NAME,
    FileNameGenerator,
    is_safe_name,
)


class _Kind(StrEnum):
    RENDER = "render"
    SIZE_CHART = "size_chart"
    VIDEO = "video"
    COLOR = "color"
    ANALYSIS = "analysis"
    REPAIRED = "repaired"
    LOG = "log"


_FOLDERS: dict[Organization, dict[_Kind, str]] = {
    Organization.PER_STL: {
        _Kind.RENDER: "renders",
        _Kind.SIZE_CHART: "renders",
        _Kind.VIDEO: "renders",
        _Kind.COLOR: "renders/color_variations",
        _Kind.ANALYSIS: "analysis",
        _Kind.REPAIRED: "analysis",
        _Kind.LOG: "logs",
    },
    Organization.FLAT: dict.fromkeys(_Kind, ""),
    Organization.BY_TYPE: {
        _Kind.RENDER: "renders",
        _Kind.SIZE_CHART: "size_charts",
        _Kind.VIDEO: "videos",
        _Kind.COLOR: "color_variations",
        _Kind.ANALYSIS: "analysis",
        _Kind.REPAIRED: "repaired",
        _Kind.LOG: "logs",
    },
}


def folders_of(organization: Organization) -> tuple[str, ...]:
    """Return the folders a layout uses, relative to a model's folder; ``""`` is that folder itself."""
    return tuple(dict.fromkeys(_FOLDERS[organization].values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLayout:
    """Paths of everything that one job makes.

    Parameters
    ----------
    base_folder : Path
        The folder that holds the summary, the combined log and ``failed/``.
    output_name : str
        The model's name, as `OutputNames.claim` gave it.
    settings : OutputSettings
    render_options : RenderOptions
    moment : datetime
        The time in the names, where they have one; the same for all files of a job.

    Raises
    ------
    OutputError
        `output_name` cannot stand in a path, and so was made by nobody but a person with an editor.
    """

    base_folder: Path
    output_name: str
    settings: OutputSettings = OutputSettings()
    render_options: RenderOptions = RenderOptions()
    moment: datetime = field(default_factory=utc_now)
    names: FileNameGenerator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_safe_name(self.output_name):
            raise OutputError(
                f"{self.output_name!r} is no name for output files; add the file to the queue again",
                path=self.base_folder,
            )
        names = FileNameGenerator(self.output_name, self.settings, render=self.render_options, moment=self.moment)
        object.__setattr__(self, "names", names)

    @property
    def model_folder(self) -> Path:
        """The model's own folder in the per-STL layout, else the base folder."""
        return self.base_folder / self.output_name if self._is_per_stl else self.base_folder

    @property
    def render(self) -> Path:
        """The main picture."""
        return self._path(_Kind.RENDER, self.names.render_filename())

    @property
    def size_chart(self) -> Path:
        """The picture with the dimensions."""
        return self._path(_Kind.SIZE_CHART, self.names.size_chart_filename())

    @property
    def video(self) -> Path:
        """The turntable video."""
        return self._path(_Kind.VIDEO, self.names.video_filename())

    def color_variation(self, color_entry: str) -> Path:
        """Return the path of the picture in one colour of the palette."""
        return self._path(_Kind.COLOR, self.names.color_filename(color_entry))

    @property
    def analysis(self) -> Path:
        """The analysis."""
        return self._path(_Kind.ANALYSIS, self.names.analysis_filename(self._analysis_format))

    @property
    def dimensions(self) -> Path:
        """The dimensions."""
        return self._path(_Kind.ANALYSIS, self.names.dimensions_filename(self._analysis_format))

    @property
    def validation(self) -> Path:
        """The judgement and its findings."""
        return self._path(_Kind.ANALYSIS, self.names.validation_filename(self._analysis_format))

    @property
    def repaired(self) -> Path:
        """The repaired mesh."""
        return self._path(_Kind.REPAIRED, self.names.repaired_filename())

    @property
    def source_link(self) -> Path | None:
        """The link to the source file; only the per-STL layout has one."""
        return self._in_source_folder(f"{self.output_name}.stl")

    @property
    def file_info(self) -> Path | None:
        """The facts about the source file; only the per-STL layout has them."""
        return self._in_source_folder(self.names.file_info())

    @property
    def processing_log(self) -> Path:
        """The job's own log."""
        return self._path(_Kind.LOG, self.names.processing_log_filename())

    @property
    def errors_log(self) -> Path:
        """The job's errors; written only where there are any."""
        return self._path(_Kind.LOG, self.names.errors_log_filename())

    @property
    def failed_link(self) -> Path:
        """The link to a source file that could not be processed."""
        return self.base_folder / FAILED_FOLDER / f"{self.output_name}.stl"

    @property
    def failed_log(self) -> Path:
        """Why a source file could not be processed."""
        return self.base_folder / FAILED_FOLDER / f"{self.output_name}_error.log"

    @property
    def summary(self) -> Path:
        """The summary over all models of the base folder."""
        return self.base_folder / SUMMARY_NAME

    @property
    def _is_per_stl(self) -> bool:
        return self.settings.organization is Organization.PER_STL

    @property
    def _analysis_format(self) -> str:
        return "json.gz" if self.settings.compress_analysis else "json"

    def _path(self, kind: _Kind, name: str) -> Path:
        return self.model_folder / _FOLDERS[self.settings.organization][kind] / name

    def _in_source_folder(self, name: str) -> Path | None:
        return self.model_folder / "source" / name if self._is_per_stl else None
