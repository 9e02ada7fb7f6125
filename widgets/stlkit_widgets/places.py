"""Files and folders of the machine that the kernel runs on, as a page may choose them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stlkit.engine.scan import find_stl_files
from stlkit.files import one_line, printable
from stlkit_widgets.page_part import Content, PagePart

MOST_COMPLETIONS = 40
MOST_RECENT = 5
MOST_ENTRIES = 2000
COUNT_WITHIN_S = 2.0
WANTED = {
    "models": (".stl",),
    "folders": (),
    "pictures": (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
}
"""What a path box is for, to the endings of the files that it shows beside folders."""

Recent = Callable[[str], Sequence[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file or folder.

    Parameters
    ----------
    name : str
        As it may be shown.
    path : str or None
        What to type for it; None where its name cannot be typed, and its folder is to be chosen instead.
    is_folder : bool
    size : int or None
        Bytes.
    """

    name: str
    path: str | None
    is_folder: bool
    size: int | None = None


def serve_places(part: PagePart, recent: Recent = lambda _: ()) -> None:
    """Have a part of a page answer what a path box asks: ``complete``, ``recent``, ``list`` and ``count``.

    Parameters
    ----------
    part : PagePart
    recent : callable
        Called with a key of `WANTED`; returns what was used before, newest first.
    """
    part.answer("complete", lambda asked, _: _completions(asked))
    part.answer("recent", lambda asked, _: _recent(recent(str(asked["wanted"]))))
    part.answer("list", lambda asked, _: _listing(asked))
    part.answer("count", lambda asked, _: _count(asked))


def _completions(asked: Content) -> Content:
    text = str(asked["text"])
    typed = os.path.expanduser(text)  # noqa: PTH111 - keeps a slash at the end, which Path drops
    start, beginning = os.path.split(typed)
    beginning = beginning.casefold()
    found = [
        entry
        for entry in _entries(Path(start or "."), _endings(asked))
        if entry.path is not None
        and entry.name.casefold().startswith(beginning)
        and (beginning.startswith(".") or not entry.name.startswith("."))
    ][:MOST_COMPLETIONS]
    # what was typed stays as it was typed
    prefix = text[: len(text) - len(os.path.basename(text))]  # noqa: PTH119 - as above
    return {"entries": [{"text": prefix + entry.name + ("/" if entry.is_folder else "")} for entry in found]}


def _recent(paths: Sequence[Path]) -> Content:
    """Return those that can be typed and are still there."""
    typed = [(path, printable(path)) for path in paths if os.path.lexists(path)]
    texts = [text + ("/" if path.is_dir() else "") for path, text in typed if text == one_line(str(path))]
    return {"entries": [{"text": text, "title": text} for text in texts[:MOST_RECENT]]}


def _endings(asked: Content) -> tuple[str, ...]:
    return WANTED[str(asked.get("wanted", "models"))]


def _listing(asked: Content) -> Content:
    text = str(asked.get("folder") or "")
    folder = Path(os.path.abspath(os.path.expanduser(text or os.curdir)))  # noqa: PTH100, PTH111 - '..' goes, links stay
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    entries = list(_entries(folder, _endings(asked)))
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    parent = None if folder.parent == folder else printable(folder.parent)
    return {
        "folder": printable(folder),
        "parent": parent,
        "entries": [asdict(entry) for entry in shown[:MOST_ENTRIES]],
        "more": max(0, len(shown) - MOST_ENTRIES),
    }


def _count(asked: Content) -> Content:
    """Count the STL files below a folder, for so long as a person cares to wait."""
    path = Path(os.path.expanduser(str(asked["text"]).strip()))  # noqa: PTH111 - as in find_stl_files
    if not path.is_dir():
        return {"count": None}
    deadline, count = time.monotonic() + COUNT_WITHIN_S, 0
    for count, _ in enumerate(find_stl_files(path, recursive=bool(asked.get("recursive", True))), start=1):
        if time.monotonic() > deadline:
            return {"count": count, "more": True}
    return {"count": count, "more": False}


def _entries(folder: Path, endings: tuple[str, ...]) -> Iterator[Entry]:
    """Yield folders, then files of some endings, each sorted by name."""
    with os.scandir(folder) as scanned:
        found = sorted(scanned, key=lambda entry: entry.name.casefold())
    folders = [entry for entry in found if _is_folder(entry)]
    yield from (_entry(entry, is_folder=True) for entry in folders)
    yield from (
        _entry(entry, is_folder=False)
        for entry in found
        if entry.name.lower().endswith(endings) and not _is_folder(entry)
    )


def _entry(entry: os.DirEntry[str], *, is_folder: bool) -> Entry:
    shown = one_line(printable(entry.name))
    path = os.path.abspath(entry.path) if shown == entry.name else None  # noqa: PTH100 - resolve() would follow links
    size = None
    if not is_folder:
        try:
            size = entry.stat().st_size
        except OSError:  # a link that leads nowhere
            size = None
    return Entry(name=shown, path=path, is_folder=is_folder, size=size)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
