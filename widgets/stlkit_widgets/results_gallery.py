"""Everything that was made, to look at: pictures, size charts, colours and videos."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets

from stlkit.errors import OutputError, StlkitError
from stlkit.files import one_line, printable, sha256_of
from stlkit.model.amounts import file_size
from stlkit.model.jobs import QueueState
from stlkit.model.reports import ValidationReport, counted
from stlkit.model.showing import mesh_figures
from stlkit.outputs.reading import read_document
from stlkit.outputs.report.amounts import lengths_text, mass_text, seconds_text, volume_text, whole
from stlkit.outputs.report.collecting import collect_cards
from stlkit.outputs.report.kinds import PICTURES, FileKind
from stlkit.outputs.report.model import Measures
from stlkit.storage.cache import TempFileManager
from stlkit.workspace import Workspace
from stlkit_widgets.background import Background
from stlkit_widgets.cells import replace_earlier
from stlkit_widgets.feed import Feed, News
from stlkit_widgets.handing_out import PIECE_BYTES, piece_of
from stlkit_widgets.packing import Packer, archive_names
from stlkit_widgets.page_part import Content, PagePart
from stlkit_widgets.pictures import first_frame, reduced_picture
from stlkit_widgets.shelf import Shelf, ShownFile, ShownModel

THUMBNAIL_PX = 480
MOST_THUMBNAILS = 24
TELL_EVERY_S = 0.25


class ResultsGallery(PagePart, page="results_gallery"):
    """A contact sheet of outputs, live while a queue runs.

    Each model shows its main picture, or each output one of its own. A click or the Enter key shows it large, with the
    model's other outputs, its measures, findings and repairs; videos play in the page. What is selected can be saved
    as one ZIP archive. Whatever comes from a file is read in the background when it is looked at.

    Parameters
    ----------
    source : Workspace or path
        What the queue of a workspace has made, with everything older in the same output folders; or one output folder,
        read when it is shown and when ``refresh`` is called.
    on_preview : callable, optional
        Called with the path of an STL file, and whether its repaired model is wanted, when a person wants to see a
        model; without it there is no button for that.

    Attributes
    ----------
    notes : list of str
        What could not be read.

    Examples
    --------
    >>> stlkit_widgets.ResultsGallery(ws)                    # doctest: +SKIP
    >>> stlkit_widgets.ResultsGallery("listings")            # doctest: +SKIP
    """

    can_preview = traitlets.Bool().tag(sync=True)
    notes: Any = traitlets.List().tag(sync=True)

    def __init__(
        self,
        source: Workspace | str | os.PathLike[str],
        *,
        on_preview: Callable[[Path, bool], None] | None = None,
    ) -> None:
        self._workspace = source if isinstance(source, Workspace) else None
        self._folder = None if isinstance(source, Workspace) else Path(source).expanduser().absolute()
        self._on_preview = on_preview
        self._shelf = Shelf()  # changed by the background's thread alone
        self._thumbnails = _Thumbnails(None if self._workspace is None else self._workspace.cache)
        self._packing = Background("stlkit-packing")
        self._packer = Packer()
        self._reading = Background("stlkit-gallery")
        super().__init__(self._reading, can_preview=on_preview is not None)
        self._listen()
        self.refresh()
        replace_earlier(self.close)

    def _listen(self) -> None:
        self.hear("hello", lambda _: self._reading.do(self._tell_everything))
        self.hear("refresh", lambda _: self.refresh())
        self.hear("preview", self._preview)
        self.hear("pack", self._pack)
        self.hear("forget", lambda said: self._packer.forget(str(said["key"])))
        self.answer("thumbnails", self._thumbnails_of)
        self.answer("piece", lambda asked, _: piece_of(self._file(asked).path, int(asked["at"])))
        self.answer("about", lambda asked, _: self._about(self._shelf.model(int(asked["model"]))))
        self.answer(
            "packed", lambda asked, _: ({}, (self._packer.piece(str(asked["key"]), int(asked["at"]), PIECE_BYTES),))
        )
        self._leave: Callable[[], None] = lambda: None
        if self._workspace is not None:
            self._leave = Feed.of(self._workspace).listen(self._on_news)

    def close(self) -> None:
        """End the gallery: its threads, its subscription and its view. Harmless the second time."""
        if hasattr(self, "_leave"):  # also called for one that could not be built
            self._leave()
            self._reading.close()
            self._packing.close()
            self._packer.close()
        super().close()

    def __repr__(self) -> str:
        where = self._folder if self._workspace is None else self._workspace.home.root
        return f"<ResultsGallery of {one_line(printable(str(where)))}: {counted(len(self._shelf.models), 'model')}>"

    def refresh(self) -> None:
        """Read the output folders anew; returns at once."""
        self._reading.do(self._read_everything)

    def show(self, stl_path: str | os.PathLike[str]) -> None:
        """Show the outputs of one STL file large, in every view."""
        wanted = Path(stl_path).expanduser().absolute()

        def find() -> None:
            found = [model.id for model in self._shelf.models if model.entry.stl_path == wanted]
            self.tell("show", {"model": found[-1] if found else None, "name": one_line(printable(wanted.name))})

        self._reading.do(find)

    # --- from the folders to the page; in the background ---

    def _read_everything(self) -> None:
        shelf = Shelf()
        if self._folder is not None:
            shelf.read_folder(self._folder, must_exist=True)
        elif self._workspace is not None:
            state = self._state(self._workspace)
            folder: str | Path | None = state.queue_settings.output_base_folder
            with contextlib.suppress(StlkitError):  # the history of another process, and damaged
                folder = folder or self._workspace.output_folder
            if folder:
                shelf.read_folder(Path(folder))
            shelf.take(state.jobs)
        self._shelf = shelf
        self.notes = [one_line(note) for note in shelf.notes]
        self._tell_everything()

    def _tell_everything(self) -> None:
        self._tell_rows(self._shelf.models, whole=True)

    def _on_news(self, news: News) -> None:
        jobs = [job for job in news.state.jobs if job.id in news.changed and job.state.ended]
        if jobs:
            self._reading.do(lambda: self._tell_rows(self._shelf.take(jobs), whole=False))

    def _tell_rows(self, models: tuple[ShownModel, ...], *, whole: bool) -> None:
        if models or whole:
            rows = json.dumps([_row(model) for model in models], separators=(",", ":"))
            self.tell("models", {"whole": whole}, rows.encode())

    @staticmethod
    def _state(workspace: Workspace) -> QueueState:
        try:
            return workspace.queue.state()
        except StlkitError:  # another's queue, and damaged
            return QueueState()

    def _thumbnails_of(self, asked: Content, _: tuple[bytes, ...]) -> tuple[Content, tuple[bytes, ...]]:
        found: dict[int, bytes] = {}
        for at, (model_id, number) in enumerate(asked["files"][:MOST_THUMBNAILS]):
            try:
                made = self._thumbnails.of(self._shelf.model(int(model_id)).file(int(number)))
            except (OutputError, OSError, ValueError):
                continue
            if made is not None:
                found[at] = made
        return {"found": list(found)}, tuple(found.values())

    def _file(self, asked: Content) -> ShownFile:
        return self._shelf.model(int(asked["model"])).file(int(asked["file"]))

    def _about(self, model: ShownModel) -> Content:
        card = collect_cards([model.entry], model.base_folder)[0]
        return {
            "path": one_line(printable(model.entry.stl_path)),
            "reason": one_line(card.reason or ""),
            "facts": [list(fact) for fact in _facts(card.measures, card.duration_s)],
            "findings": [
                {"weight": remark.severity.value, "text": one_line(remark.message), "meaning": remark.meaning or ""}
                for remark in card.remarks
            ],
            "repair": _repair(model),
            "files": [{"path": one_line(printable(file.path)), "size": _size(file.path)} for file in model.files],
            "notes": [one_line(note) for note in card.notes],
        }

    # --- from the page ---

    def _preview(self, said: Content) -> None:
        if self._on_preview is None:
            return
        try:
            path = self._shelf.model(int(said["model"])).entry.stl_path
        except (ValueError, KeyError):  # refreshed meanwhile, or made up
            return
        self._on_preview(path, bool(said.get("repaired")))

    def _pack(self, said: Content) -> None:
        key, wanted = str(said["key"]), [(int(model), int(file)) for model, file in said["files"]]
        last_told = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal last_told
            if (now := time.monotonic()) - last_told >= TELL_EVERY_S:
                last_told = now
                self.tell("packing", {"key": key, "done": done, "total": total})

        def pack() -> None:
            try:
                shelf = self._shelf
                models = [(shelf.model(model), file) for model, file in wanted]
                names = archive_names((model.base_folder, model.file(file).path) for model, file in models)
                packed = self._packer.pack(key, names, tell)
            except (StlkitError, OSError, ValueError) as error:
                self.tell("packed", {"key": key, "error": str(error)})
                return
            missing = [one_line(each) for each in packed.missing]
            self.tell("packed", {"key": key, "size": packed.size_bytes, "missing": missing})

        self._packing.do(pack)


class _Thumbnails:
    """Small pictures of outputs, kept by the content of the file. Not thread-safe.

    Parameters
    ----------
    cache : TempFileManager or None
        Where they outlive the gallery.
    """

    def __init__(self, cache: TempFileManager | None) -> None:
        self._cache = cache
        self._keys: dict[tuple[Path, int, int], str] = {}

    def of(self, file: ShownFile) -> bytes | None:
        """Return a WEBP; None for what has no picture, or is not there."""
        if file.kind not in PICTURES and file.kind is not FileKind.VIDEO:
            return None
        key = self._key(file.path)
        kept = None if self._cache is None else self._cache.load_thumbnail(key)
        if kept is not None:
            return kept
        draw = first_frame if file.kind is FileKind.VIDEO else reduced_picture
        made = draw(file.path, THUMBNAIL_PX, form="WEBP")
        if made is not None and self._cache is not None:
            with contextlib.suppress(OSError):  # it can be made again
                self._cache.save_thumbnail(key, made)
        return made

    def _key(self, path: Path) -> str:
        status = path.stat()
        seen = (path, status.st_mtime_ns, status.st_size)
        if seen not in self._keys:
            content = sha256_of(path)
            self._keys[seen] = hashlib.sha256(f"gallery {THUMBNAIL_PX} {content}".encode()).hexdigest()
        return self._keys[seen]


def _row(model: ShownModel) -> dict[str, Any]:
    entry = model.entry
    return {
        "id": model.id,
        "name": one_line(entry.name),
        "source": one_line(printable(entry.stl_path.name)),
        "folder": one_line(printable(model.base_folder)),
        "state": entry.state.value,
        "when": (entry.completed_at or entry.created_at).timestamp() * 1000.0,
        "warnings": len(entry.warnings) + len(entry.errors),
        "message": one_line(entry.error_message or ""),
        "size": entry.files_size,
        "files": [{"kind": file.kind.name, "label": one_line(file.label)} for file in model.files],
    }


def _facts(measures: Measures, duration_s: float | None) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    if measures.size_mm:
        facts.append(("Size", lengths_text(measures.size_mm, "mm")))
    if measures.volume_mm3 is not None:
        facts.append(("Volume", volume_text(measures.volume_mm3)))
    if measures.mass_g is not None:
        facts.append(("Mass, solid", mass_text(measures.mass_g)))
    if measures.faces is not None:
        facts.append(("Faces", whole(measures.faces)))
    if measures.bodies is not None:
        facts.append(("Bodies", whole(measures.bodies)))
    if measures.watertight is not None:
        facts.append(("Watertight", "yes" if measures.watertight else "no"))
    if duration_s:
        facts.append(("Took", seconds_text(duration_s)))
    return facts


def _repair(model: ShownModel) -> Content | None:
    """Return the figures before and after a repair; None where nothing was repaired, or nobody wrote that down."""
    number = next((at for at, file in enumerate(model.files) if file.kind is FileKind.VALIDATION), None)
    if number is None:
        return None
    try:
        repair = read_document(ValidationReport, model.file(number).path).repair
    except (OSError, ValueError, OutputError):  # the notes say so
        return None
    if repair is None or not (repair.changed or repair.refused):
        return None
    before, after = mesh_figures(repair.before), mesh_figures(repair.after)
    return {
        "refused": one_line(repair.refused or ""),
        "actions": [one_line(action.message) for action in repair.actions],
        "figures": [[name, old, new] for (name, old), (_, new) in zip(before, after, strict=True)],
    }


def _size(path: Path) -> str:
    try:
        return file_size(path.stat().st_size)
    except (OSError, ValueError):
        return ""
