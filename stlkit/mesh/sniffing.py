"""What kind of file some bytes are, by their content alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.model.geometry import HEADER_BYTES, STL_RECORD
from stlkit.model.reports import Finding, counted

PREAMBLE_BYTES = HEADER_BYTES + 4
"""Header and count in front of the facets of a binary file."""

FACET_BYTES = STL_RECORD.itemsize

_WINDOW = 1 << 16
_FACET_TEXT = re.compile(rb"facet\s+normal|outer\s+loop|\bvertex\s+[-+.\dn]|\bend(?:loop|facet|solid)\b", re.IGNORECASE)
_LARGEST_SANE = 1e15
_TEXT_BYTES = bytes(range(0x20, 0x7F)) + b"\t\n\r\f"


class Content(StrEnum):
    """How the bytes of a file are to be read."""

    BINARY = "binary"
    ASCII = "ascii"


@dataclass(frozen=True, slots=True)
class _Signature:
    start: bytes
    code: IntakeCode
    what: str


_EXPORT = "export it as STL from the program it came from"
_SIGNATURES = (
    _Signature(b"PK\x03\x04", IntakeCode.ZIP_ARCHIVE, "a ZIP archive: unpack it and take the STL files inside"),
    _Signature(b"PK\x05\x06", IntakeCode.ZIP_ARCHIVE, "an empty ZIP archive: get the file again"),
    _Signature(b"\x1f\x8b", IntakeCode.COMPRESSED_FILE, "compressed with gzip: unpack it first"),
    _Signature(b"BZh", IntakeCode.COMPRESSED_FILE, "compressed with bzip2: unpack it first"),
    _Signature(b"\xfd7zXZ\0", IntakeCode.COMPRESSED_FILE, "compressed with xz: unpack it first"),
    _Signature(b"\x28\xb5\x2f\xfd", IntakeCode.COMPRESSED_FILE, "compressed with Zstandard: unpack it first"),
    _Signature(b"7z\xbc\xaf\x27\x1c", IntakeCode.COMPRESSED_FILE, "a 7-Zip archive: unpack it first"),
    _Signature(b"Rar!\x1a\x07", IntakeCode.COMPRESSED_FILE, "a RAR archive: unpack it first"),
    _Signature(b"\x89PNG\r\n\x1a\n", IntakeCode.PICTURE, "a PNG picture: get the model itself"),
    _Signature(b"\xff\xd8\xff", IntakeCode.PICTURE, "a JPEG picture: get the model itself"),
    _Signature(b"GIF8", IntakeCode.PICTURE, "a GIF picture: get the model itself"),
    _Signature(b"RIFF", IntakeCode.PICTURE, "a WebP picture or another media file: get the model itself"),
    _Signature(b"%PDF-", IntakeCode.PDF_DOCUMENT, "a PDF document: get the model itself"),
    _Signature(
        b"\x00\x05\x16\x07",
        IntakeCode.FINDER_METADATA,
        "the hidden companion that macOS puts beside a file: take the file without '._' in front of its name",
    ),
    _Signature(
        b"version https://git-lfs",
        IntakeCode.POINTER_FILE,
        "a Git LFS pointer: run 'git lfs pull' to get the model itself",
    ),
    _Signature(b"glTF\x02\0\0\0", IntakeCode.OTHER_MODEL, f"a glTF model: {_EXPORT}"),
    _Signature(b"ply\n", IntakeCode.OTHER_MODEL, f"a PLY model: {_EXPORT}"),
    _Signature(b"ply\r", IntakeCode.OTHER_MODEL, f"a PLY model: {_EXPORT}"),
    _Signature(b"ISO-10303-21", IntakeCode.OTHER_MODEL, f"a STEP model: {_EXPORT}"),
    _Signature(b"Kaydara FBX", IntakeCode.OTHER_MODEL, f"an FBX model: {_EXPORT}"),
    _Signature(b"BLENDER-", IntakeCode.OTHER_MODEL, f"a Blender scene: {_EXPORT}"),
    _Signature(b"#VRML V", IntakeCode.OTHER_MODEL, f"a VRML model: {_EXPORT}"),
)
# Written text may begin with blank lines or comments, so these look further than the first bytes.
# Possessive, because a few hundred bytes of comments or blanks would otherwise keep the search busy for hours.
_HTML = re.compile(rb"(?>\s+|<!--.*?-->)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_OBJ = re.compile(rb"^(?:v\s+[-+.\d]+\s+[-+.\d]+\s+[-+.\d]|f\s+-?\d+[/\s])", re.MULTILINE)
_OFF = re.compile(rb"\s*+(?:ST)?(?:C)?(?:N)?OFF\b\s*+(?:#[^\n]*+\s*+)?\d++\s++\d")


def sniff(data: bytes) -> Content | Finding:
    """Tell binary STL, ASCII STL and everything else apart.

    The word ``solid`` decides nothing: many binary files begin with it. A size that fits the count of a
    binary file exactly decides at once; otherwise facets in written form make it ASCII, a known signature
    makes it something else, and what is left is binary if its numbers look like coordinates.

    Parameters
    ----------
    data : bytes
        The whole file, or at least its first 64 KiB and its true length.

    Returns
    -------
    Content or Finding
        How to read it, or a finding of severity error that names what it is.
    """
    if not data:
        return intake_finding(IntakeCode.EMPTY_FILE, "the file is empty (0 bytes); export or download it again")
    if len(data) >= PREAMBLE_BYTES and len(data) == PREAMBLE_BYTES + FACET_BYTES * declared_count(data):
        return Content.BINARY
    foreign = _foreign(data)
    if foreign is not None:
        return foreign
    if _looks_ascii(data):
        return Content.ASCII
    return _unsigned(data)


def declared_count(data: bytes) -> int:
    """Return the number of facets that the preamble of a binary file claims."""
    return int.from_bytes(data[HEADER_BYTES:PREAMBLE_BYTES], "little")


def utf16_encoding(data: bytes) -> str | None:
    """Return the name of the UTF-16 encoding that a text is in, with or without a byte order mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for encoding in ("utf-16-le", "utf-16-be"):
        if data[:10].lower() == "solid".encode(encoding):
            return encoding
    return None


def as_bytes_text(data: bytes) -> bytes:
    """Return a text as single bytes: UTF-16 becomes UTF-8, and a byte order mark goes."""
    encoding = utf16_encoding(data)
    if encoding is not None:
        return data.decode(encoding, "replace").encode("utf-8")
    return data.removeprefix(b"\xef\xbb\xbf")


def sane_coordinates(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell which rows hold nothing but finite numbers below 1e15, as bytes that were floats always do.

    Parameters
    ----------
    numbers : (n, ...) float32

    Returns
    -------
    (n,) bool
    """
    flat = numbers.reshape(len(numbers), -1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.max(np.abs(flat), axis=1) < _LARGEST_SANE)


def _foreign(data: bytes) -> Finding | None:
    for signature in _SIGNATURES:
        if data.startswith(signature.start):
            if signature.code is IntakeCode.ZIP_ARCHIVE and b"3D/3dmodel.model" in data:
                return intake_finding(
                    IntakeCode.THREEMF_PACKAGE, f"the file is a 3MF package, not an STL file: {_EXPORT}"
                )
            return intake_finding(signature.code, f"the file is not STL but {signature.what}")
    if _HTML.match(as_bytes_text(data[:_WINDOW])):
        return intake_finding(
            IntakeCode.HTML_PAGE,
            "the file is a web page, not a model: the download link led to a page; download the model itself",
        )
    return None


def _looks_ascii(data: bytes) -> bool:
    text = as_bytes_text(data[:_WINDOW])
    if _is_text(data):
        return text.lstrip()[:5].lower() == b"solid" or _FACET_TEXT.search(text) is not None
    # Damaged text, or a binary file: its header may say anything, what follows it may not.
    return _FACET_TEXT.search(text, HEADER_BYTES) is not None


def _unsigned(data: bytes) -> Content | Finding:
    """Judge content that neither its size, nor a signature, nor facets in written form tell anything about."""
    if _is_text(data):
        known = _known_text(data)
        if known is not None or len(data) >= PREAMBLE_BYTES:
            return known or intake_finding(IntakeCode.TEXT_FILE, f"the file is a text without STL facets: {_EXPORT}")
    if len(data) < PREAMBLE_BYTES:
        return intake_finding(
            IntakeCode.TOO_SHORT,
            f"the file has {counted(len(data), 'byte')}, fewer than the {PREAMBLE_BYTES} that any binary STL file "
            "begins with; export or download it again",
            count=len(data),
        )
    if _has_coordinates(data):
        return Content.BINARY
    return intake_finding(
        IntakeCode.UNKNOWN_CONTENT, "the file holds neither binary nor written STL facets; export it again as STL"
    )


def _is_text(data: bytes) -> bool:
    # Names may be in any encoding, so a few bytes above 0x7f are allowed; a run of NULs at the end is not content.
    sample = as_bytes_text(data[:_WINDOW]).rstrip(b"\0")
    strange = len(sample.translate(None, _TEXT_BYTES))
    return bool(sample) and strange <= len(sample) // 10 and sample.count(0) <= len(sample) // 100


def _known_text(data: bytes) -> Finding | None:
    text = as_bytes_text(data[:_WINDOW])
    if _OBJ.search(text):
        return intake_finding(IntakeCode.OBJ_MODEL, f"the file is an OBJ model, not an STL file: {_EXPORT}")
    if _OFF.match(text):
        return intake_finding(IntakeCode.OTHER_MODEL, f"the file is an OFF model, not an STL file: {_EXPORT}")
    if text.lstrip().startswith(b"<"):
        return intake_finding(
            IntakeCode.OTHER_MODEL, f"the file is XML (AMF, COLLADA, SVG or the like), not an STL file: {_EXPORT}"
        )
    return None


def _has_coordinates(data: bytes) -> bool:
    declared, room = declared_count(data), (len(data) - PREAMBLE_BYTES) // FACET_BYTES
    if room == 0:  # cut inside the first facet: the count is all there is to judge by
        return 0 < declared < 1 << 24
    count = declared if 0 < declared < room else room  # anything may follow the facets
    records = np.frombuffer(data, dtype=STL_RECORD, count=min(count, 4096), offset=PREAMBLE_BYTES)
    return bool(np.mean(sane_coordinates(records["corners"])) > 0.5)
