"""What is left on a disk when the power fails, modelled over the system calls that strace recorded.

A disk may lose everything that was not synced: bytes of a file since its last fsync, and names in a folder since the
folder's last fsync. `Disk.after_power_loss` returns what the strictest disk keeps (``strict``), or what one keeps that
writes names at once and bytes late (``names_first``), as ext4 did before it guarded against it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

CALLS = (
    "open", "openat", "creat", "write", "pwrite64", "writev", "ftruncate", "fsync", "fdatasync", "rename", "renameat",
    "renameat2", "link", "linkat", "unlink", "unlinkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir",
)  # fmt: skip
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)", re.DOTALL)
_UNFINISHED = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$", re.DOTALL)
_DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<(.*?)(?: \(deleted\))?>")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def strace_command(log: Path) -> tuple[str, ...]:
    """Return what is put before a command to have its calls recorded."""
    return ("strace", "-f", "-y", "--seccomp-bpf", "-s", "100000000", "-o", str(log), "-e", "trace=" + ",".join(CALLS))


@dataclass(frozen=True, slots=True)
class Call:
    """One successful call: its name, the paths it touches, its bytes and its last number."""

    name: str
    paths: tuple[str, ...]
    data: bytes = b""
    number: int = 0


def read_calls(log: Path) -> Iterator[Call]:
    """Yield the calls of a log that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    for line in log.read_text(errors="surrogateescape").splitlines():
        if match := _UNFINISHED.match(line):
            begun[match[1]] = match[2]
            continue
        if (match := _RESUMED.match(line)) and match[1] in begun:
            line = f"{match[1]} {begun.pop(match[1])}{match[2]}"  # noqa: PLW2901 - the two halves of one line
        if (match := _LINE.match(line)) and int(match[4]) >= 0:
            call = _call(match[2], match[3], int(match[4]))
            if call is not None:
                yield call


def _call(name: str, arguments: str, result: int) -> Call | None:  # noqa: PLR0911 - one for each kind of call
    strings = [ast.literal_eval("b" + text) for text in _STRING.findall(arguments)]
    names = [text.decode("utf-8", "surrogateescape") for text in strings] if "write" not in name else []
    folders = _DESCRIPTOR.findall(_STRING.sub('""', arguments))
    if name in ("write", "pwrite64"):
        offset = int(arguments.rsplit(",", 1)[1]) if name == "pwrite64" else -1
        return Call(name, (folders[0],), strings[0][:result], offset)
    if name in ("fsync", "fdatasync"):
        return Call("fsync", (folders[0],))
    if name == "ftruncate":
        return Call(name, (folders[0],), number=int(arguments.rsplit(",", 1)[1]))
    if name in ("open", "openat", "creat"):
        if "O_CREAT" not in arguments and name != "creat":
            return None
        return Call("create", (_absolute(names[0], folders),), number=int("O_TRUNC" in arguments))
    if name in ("symlink", "symlinkat"):
        return Call("symlink", (_absolute(names[1], folders),), names[0].encode(errors="surrogateescape"))
    if name in ("unlinkat", "rmdir") and ("AT_REMOVEDIR" in arguments or name == "rmdir"):
        return Call("rmdir", (_absolute(names[0], folders),))
    kind = {"r": "rename", "l": "link", "u": "unlink", "m": "mkdir"}.get(name[0])
    if kind is None:
        return None
    # a call names either no folder, or one for each path
    return Call(kind, tuple(_absolute(path, folders[i : i + 1]) for i, path in enumerate(names)))


def _absolute(path: str, folders: list[str]) -> str:
    return path if path.startswith("/") or not folders else f"{folders[0]}/{path}"


@dataclass(slots=True, eq=False)
class _File:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    target: bytes | None = None  # of a symbolic link


class Disk:
    """The folders and files below one root: as programs see them, and as the disk has them.

    Parameters
    ----------
    root : Path
        Exists on both sides from the start.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self.seen: dict[str, _File | None] = {}  # None is a folder
        self._kept: dict[str, _File | None] = {}

    def apply(self, call: Call) -> None:  # noqa: C901 - one case for each kind of call
        """Do what a call did."""
        if not call.paths[-1].startswith(self._root + "/") and call.paths[-1] != self._root:
            return
        path = call.paths[-1]
        entry = self.seen.get(path)
        match call.name:
            case "create":
                file = self.seen.setdefault(path, _File())
                if call.number and file is not None:
                    file.data.clear()
            case "mkdir":
                self.seen.setdefault(path, None)
            case "symlink":
                self.seen[path] = _File(target=call.data)
            case "rename":
                for old in [
                    name for name in self.seen if name == call.paths[0] or name.startswith(call.paths[0] + "/")
                ]:
                    self.seen[path + old.removeprefix(call.paths[0])] = self.seen.pop(old)
            case "link":
                self.seen[path] = self.seen[call.paths[0]]
            case "unlink" | "rmdir":
                self.seen.pop(path, None)
            case "write" | "pwrite64" if entry is not None:
                at = len(entry.data) if call.number < 0 else call.number
                entry.data.extend(bytes(max(0, at - len(entry.data))))
                entry.data[at : at + len(call.data)] = call.data
            case "ftruncate" if entry is not None:
                del entry.data[call.number :]
            case "fsync":
                self._sync(path)

    def _sync(self, path: str) -> None:
        entry = self.seen.get(path)
        if entry is not None:
            entry.synced = bytes(entry.data)
            return
        for name in [name for name in self._kept if str(PurePath(name).parent) == path and name not in self.seen]:
            del self._kept[name]
        self._kept.update({name: file for name, file in self.seen.items() if str(PurePath(name).parent) == path})

    def after_power_loss(self, *, names_first: bool) -> dict[str, bytes | None]:
        """Return what is left: bytes by path, None for folders, and ``b"->"`` with its target for a link."""
        names = self.seen if names_first else self._kept
        left: dict[str, bytes | None] = {}
        for path in sorted(names, key=lambda name: name.count("/")):
            parent = str(PurePath(path).parent)
            if parent == self._root or (parent in left and left[parent] is None):
                file = names[path]
                left[path] = None if file is None else file.synced if file.target is None else b"->" + file.target
        return left

    def write_out(self, left: dict[str, bytes | None]) -> None:
        """Make real files of what is left; the root is empty."""
        for path, data in left.items():
            if data is None:
                Path(path).mkdir()
            elif data.startswith(b"->"):
                Path(path).symlink_to(data[2:].decode(errors="surrogateescape"))
            else:
                Path(path).write_bytes(data)
