"""Chosen files in one ZIP archive that a page fetches piece by piece."""

from __future__ import annotations

import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from stlkit.files import one_line, open_regular_file, printable
from stlkit.model.amounts import file_size

MOST_BYTES = 2_000_000_000
"""A browser holds the whole archive until it is saved."""

MOST_KEPT = 2
_PACKED_ALREADY = frozenset({".png", ".mp4", ".gz", ".zip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An archive.

    Parameters
    ----------
    stream : BinaryIO
    size_bytes : int
    missing : tuple of str
        Files that could not be read, each with the reason.
    """

    stream: BinaryIO
    size_bytes: int
    missing: tuple[str, ...]


class Packer:
    """Makes archives and keeps the newest of them until they are fetched. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Packed] = {}
        self._closed = False

    def pack(self, key: str, files: Sequence[tuple[str, Path]], tell: Callable[[int, int], None]) -> Packed:
        """Make an archive, and keep it under a key.

        Parameters
        ----------
        key : str
        files : sequence of (str, Path)
            Names in the archive, and where the files are.
        tell : callable
            Called with how many files are in it, and of how many.

        Returns
        -------
        Packed

        Raises
        ------
        ValueError
            There is nothing to pack, or more than a browser can hold.
        """
        packed = _pack(files, tell)
        with self._lock:
            if self._closed:
                packed.stream.close()
                return packed
            self._kept[key] = packed
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept))).stream.close()
        return packed

    def piece(self, key: str, at_byte: int, size_bytes: int) -> bytes:
        """Return a part of an archive.

        Raises
        ------
        ValueError
            There is no archive of that key any more.
        """
        with self._lock:
            if key not in self._kept:
                raise ValueError("this archive is not there any more; pack it again")
            stream = self._kept[key].stream
            stream.seek(max(0, at_byte))
            return stream.read(size_bytes)

    def forget(self, key: str) -> None:
        """Give the room of an archive free; harmless where there is none."""
        with self._lock:
            packed = self._kept.pop(key, None)
        if packed is not None:
            packed.stream.close()

    def close(self) -> None:
        """Give everything free, now and in future; harmless the second time."""
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, {}
        for packed in kept.values():
            packed.stream.close()


def archive_names(paths: Iterable[tuple[Path, Path]]) -> list[tuple[str, Path]]:
    """Return a name in an archive for each file: its path below its base folder, each folder under a name of its own.

    Parameters
    ----------
    paths : iterable of (Path, Path)
        Base folder and file.

    Returns
    -------
    list of (str, Path)
    """
    pairs = list(paths)
    folders = list(dict.fromkeys(base for base, _ in pairs))
    names: dict[Path, str] = {}
    for base in folders:
        name, number = base.name or "outputs", 2
        while name in names.values():
            name, number = f"{base.name}-{number}", number + 1
        names[base] = name
    return [(_inside(names[base] if len(folders) > 1 else "", base, path), path) for base, path in pairs]


def _inside(prefix: str, base: Path, path: Path) -> str:
    relative = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
    return one_line(printable(str(PurePosixPath(prefix, *relative.parts)))).replace("\\", "_")


def _pack(files: Sequence[tuple[str, Path]], tell: Callable[[int, int], None]) -> Packed:
    if not files:
        raise ValueError("nothing is selected")
    missing: list[str] = []
    stream: BinaryIO = tempfile.TemporaryFile(prefix="stlkit-")  # noqa: SIM115 - the packer closes it
    try:
        with zipfile.ZipFile(stream, "w") as archive:
            for number, (name, path) in enumerate(files):
                tell(number, len(files))
                try:
                    _add(archive, name, path)
                except (OSError, ValueError) as error:
                    missing.append(f"{name}: {error}")
                if stream.tell() > MOST_BYTES:
                    raise ValueError(
                        f"this is larger than {file_size(MOST_BYTES)}, more than a browser can hold; choose fewer "
                        "files, or copy them from the output folder"
                    )
        tell(len(files), len(files))
        if len(missing) == len(files):
            raise ValueError(f"none of the files can be read: {missing[0]}")
        return Packed(stream=stream, size_bytes=stream.seek(0, 2), missing=tuple(missing))
    except BaseException:
        stream.close()
        raise


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    with open_regular_file(
        path, limit_bytes=MOST_BYTES
    ) as source:  # before the entry: one that cannot be read has none
        entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
        packed_already = path.suffix.lower() in _PACKED_ALREADY
        entry.compress_type = zipfile.ZIP_STORED if packed_already else zipfile.ZIP_DEFLATED
        with archive.open(entry, "w") as target:
            shutil.copyfileobj(source, target, 1 << 20)
