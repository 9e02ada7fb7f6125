"""Files that come from the browser, piece by piece, and appear whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stlkit.errors import UploadError
from stlkit.files import make_folder, move_into_place, one_line, part_beside, remove_abandoned_parts, sha256_of
from stlkit.outputs.names import safe_base_name

LARGEST_PIECE_BYTES = 8 << 20  # a message of more than 10 MiB would end the connection
MOST_AT_ONCE = 8
GIVEN_UP_AFTER_S = 600.0
ROOM_LEFT_BYTES = 200_000_000  # on the disk, after the upload
LONGEST_NAME = 1000


@dataclass(slots=True, kw_only=True)
class _Upload:
    name: str
    size_bytes: int
    part: Path
    stream: BinaryIO
    touched_at: float
    received_bytes: int = 0

    def refused(self, why: str) -> UploadError:
        return UploadError(f"{one_line(self.name)} {why}", name=self.name)


class Uploads:
    """Takes files in pieces and puts them into a folder. Thread-safe.

    A file of the same name and bytes as one that is there already is that one; another one of the same name gets a
    number.

    Parameters
    ----------
    folder : Path
        Made when it is needed.
    clock : callable
        Seconds, for uploads that nobody goes on with.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, _Upload] = {}

    def begin(self, name: str, size_bytes: int) -> str:
        """Begin a file, and return what to call this upload.

        Raises
        ------
        UploadError
            It is no STL file by its name, there is no room, or too many are under way.
        OSError
            The folder cannot be written.
        """
        shown = one_line(name[:LONGEST_NAME])
        if len(name) > LONGEST_NAME or not name.lower().endswith(".stl"):
            raise UploadError(f"{shown} is not an STL file by its name; it was not uploaded", name=name)
        if size_bytes < 0:
            raise UploadError(f"{shown} says that it has {size_bytes} bytes; it was not uploaded", name=name)
        with self._lock:
            self._give_up_old()
            if len(self._open) >= MOST_AT_ONCE:
                raise UploadError(f"{MOST_AT_ONCE} files are being uploaded; wait until one is there", name=name)
            make_folder(self._folder, mode=0o700)
            remove_abandoned_parts(self._folder)
            free_bytes = shutil.disk_usage(self._folder).free
            expected_bytes = size_bytes + sum(each.size_bytes - each.received_bytes for each in self._open.values())
            if expected_bytes + ROOM_LEFT_BYTES > free_bytes:
                raise UploadError(
                    f"{shown} has {size_bytes / 1e6:,.0f} MB, but the disk of {self._folder} has only "
                    f"{free_bytes / 1e6:,.0f} MB left; it was not uploaded",
                    name=name,
                )
            part = part_beside(self._folder / "upload")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            upload_id = part.name
            self._open[upload_id] = _Upload(
                name=name,
                size_bytes=size_bytes,
                part=part,
                stream=os.fdopen(descriptor, "wb"),
                touched_at=self._clock(),
            )
            return upload_id

    def take(self, upload_id: str, at_byte: int, piece: bytes) -> int:
        """Take the next piece, and return how many bytes are there now.

        Raises
        ------
        UploadError
            It does not follow what is there, or is more than was announced; the upload has ended.
        OSError
            The disk refused it; the upload has ended.
        """
        with self._lock:
            upload = self._get(upload_id)
            try:
                if at_byte != upload.received_bytes:
                    raise upload.refused("lacks a piece; upload it again")
                if len(piece) > LARGEST_PIECE_BYTES or at_byte + len(piece) > upload.size_bytes:
                    raise upload.refused("is larger than it said; it was not uploaded")
                upload.stream.write(piece)
            except (UploadError, OSError):
                self._drop(upload_id)
                raise
            upload.received_bytes += len(piece)
            upload.touched_at = self._clock()
            return upload.received_bytes

    def finish(self, upload_id: str) -> Path:
        """Put a whole file into its place, and return that.

        Raises
        ------
        UploadError
            Bytes are missing; the upload has ended.
        OSError
            The disk refused it; the upload has ended.
        """
        with self._lock:
            upload = self._get(upload_id)
            try:
                if upload.received_bytes != upload.size_bytes:
                    raise upload.refused("did not arrive whole; upload it again")
                upload.stream.close()
                place = self._place(upload)
                move_into_place(upload.part, place)
            finally:
                self._drop(upload_id)
            return place

    def cancel(self, upload_id: str) -> None:
        """Forget an upload and what has come of it; harmless where there is none."""
        with self._lock:
            self._drop(upload_id)

    def close(self) -> None:
        """Forget every upload that is not whole."""
        with self._lock:
            for upload_id in list(self._open):
                self._drop(upload_id)

    def _get(self, upload_id: str) -> _Upload:
        if upload_id not in self._open:
            raise UploadError("this upload has ended; upload the file again", name=upload_id)
        return self._open[upload_id]

    def _drop(self, upload_id: str) -> None:
        upload = self._open.pop(upload_id, None)
        if upload is not None:
            with contextlib.suppress(OSError):  # what cannot be flushed now is thrown away anyway
                upload.stream.close()
            with contextlib.suppress(OSError):
                upload.part.unlink(missing_ok=True)

    def _give_up_old(self) -> None:
        for upload_id, upload in list(self._open.items()):
            if self._clock() - upload.touched_at > GIVEN_UP_AFTER_S:
                self._drop(upload_id)

    def _place(self, upload: _Upload) -> Path:
        base = safe_base_name(Path(upload.name.replace("/", "_").replace("\\", "_")))
        with upload.part.open("rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
        number = 1
        while True:
            place = self._folder / (f"{base}.stl" if number == 1 else f"{base}_{number}.stl")
            if not os.path.lexists(place):
                return place
            if not place.is_symlink() and place.is_file() and sha256_of(place) == checksum:
                return place
            number += 1
