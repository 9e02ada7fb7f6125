"""The models whose outputs are shown, from output folders and from a queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stlkit.errors import OutputError
from stlkit.model.jobs import JobState, QueueJob
from stlkit.outputs.placing import require_inside
from stlkit.outputs.report.kinds import ORDER, FileKind, kind_of
from stlkit.outputs.report.listing import listed_models
from stlkit.outputs.summary import ModelEntry, entry_of, is_news


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A file of a model.

    Parameters
    ----------
    path : Path
        Absolute.
    kind : FileKind
    label : str
        For a person; of a picture in one colour the colour's name.
    """

    path: Path
    kind: FileKind
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownModel:
    """A model that has ended in one way or another.

    Parameters
    ----------
    id : int
        The same as long as the shelf lives, whatever is made of the model anew.
    base_folder : Path
    entry : ModelEntry
    files : tuple of ShownFile
        Pictures first.
    """

    id: int
    base_folder: Path
    entry: ModelEntry
    files: tuple[ShownFile, ...]

    def file(self, number: int) -> ShownFile:
        """Return one of the files, and make sure that it lies in the output folder.

        Raises
        ------
        ValueError
            There is none of that number.
        OutputError
            A link leads out of the folder.
        """
        if not 0 <= number < len(self.files):
            raise ValueError("this file is not of the model that is shown")
        require_inside(self.files[number].path, self.base_folder)
        return self.files[number]


class Shelf:
    """Gathers what output folders and jobs say about models; of one model what is newest. Not thread-safe."""

    def __init__(self) -> None:
        self._ids: dict[tuple[Path, str], int] = {}
        self._models: dict[int, ShownModel] = {}
        self._read: dict[Path, tuple[str, ...]] = {}

    @property
    def models(self) -> tuple[ShownModel, ...]:
        """Everything there is, in the order in which it was found."""
        return tuple(self._models.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read of the folders."""
        return tuple(note for notes in self._read.values() for note in notes)

    def model(self, model_id: int) -> ShownModel:
        """Return one model.

        Raises
        ------
        ValueError
            There is none of that id.
        """
        if model_id not in self._models:
            raise ValueError("this model is not shown any more; refresh the gallery")
        return self._models[model_id]

    def read_folder(self, folder: Path, *, must_exist: bool = False) -> None:
        """Take up what the summary of an output folder lists.

        Parameters
        ----------
        folder : Path
            Absolute.
        must_exist : bool
            Whether a folder without a summary is worth a note.
        """
        try:
            summary, notes = listed_models(folder)
        except OutputError as error:
            self._read[folder] = (str(error),) if must_exist else ()
            return
        self._read[folder] = notes
        for entry in summary.models:
            self._put(folder, entry)

    def take(self, jobs: Iterable[QueueJob]) -> tuple[ShownModel, ...]:
        """Take up jobs that have ended, and what was made before in the folders they went to; return what is new."""
        news = []
        for job in jobs:
            if not job.state.ended or job.state is JobState.CANCELLED:
                continue
            if job.output_base_folder not in self._read:
                self.read_folder(job.output_base_folder)
            known = self._models.get(self._ids.get((job.output_base_folder, job.output_name), -1))
            entry = None if known is None else known.entry
            if is_news(job, entry):
                news.append(self._put(job.output_base_folder, entry_of(job, entry)))
        return tuple(news)

    def _put(self, folder: Path, entry: ModelEntry) -> ShownModel:
        model_id = self._ids.setdefault((folder, entry.name), len(self._ids))
        files = sorted(
            (_file(folder, listed, entry.name) for listed in dict.fromkeys(entry.files)), key=lambda f: ORDER[f.kind]
        )
        model = ShownModel(id=model_id, base_folder=folder, entry=entry, files=tuple(files))
        if entry.state.ended and entry.state is not JobState.CANCELLED:
            self._models[model_id] = model
        return model


def _file(folder: Path, listed: str, name: str) -> ShownFile:
    kind, label = kind_of(listed, name)
    return ShownFile(path=folder / listed, kind=kind, label=label)
