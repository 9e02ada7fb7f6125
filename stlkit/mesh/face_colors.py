"""The two unofficial ways to put colours into a binary STL file.

Both use the two attribute bytes of a facet for 5 bits of each primary. VisCAM and SolidView: blue in bits 0 to
4, green in 5 to 9, red in 10 to 14, and bit 15 set where the colour holds. Materialise Magics: red in bits 0 to
4, green in 5 to 9, blue in 10 to 14, bit 15 *clear* where the facet has its own colour, and the colour of the
whole object as ``COLOR=`` and four bytes (red, green, blue, alpha) in the header.
Source: https://en.wikipedia.org/wiki/STL_(file_format)#Color_in_binary_STL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.model.reports import Finding

_MARK = b"COLOR="
_FLAG = 0x8000
_UNCOLORED = np.array([200, 200, 200], dtype=np.uint8)
"""A light grey for the facets of a VisCAM file that have no colour of their own."""


def decode_colors(
    header: bytes, attributes: npt.NDArray[np.uint16]
) -> tuple[npt.NDArray[np.uint8] | None, tuple[Finding, ...]]:
    """Read the colours of facets.

    Parameters
    ----------
    header : bytes
        The 80 bytes in front of the count.
    attributes : (n,) uint16

    Returns
    -------
    face_colors : (n, 3) uint8 or None
        sRGB; None where no facet has a colour of its own.
    findings : tuple of Finding
    """
    used = int(np.count_nonzero(attributes))
    mark = header.find(_MARK)
    whole = header[mark + len(_MARK) : mark + len(_MARK) + 4] if mark >= 0 else b""
    if len(whole) == 4:
        return _decode_magics(attributes, whole, used)
    if not used:
        return None, ()
    own = (attributes & _FLAG) != 0
    if not own.any():
        message = f"{used:,} facets carry attribute bytes that are no known colours; they were ignored"
        return None, (intake_finding(IntakeCode.ATTRIBUTE_DATA, message, count=used),)
    colors = np.where(own[:, None], _unpack(attributes)[:, ::-1], _UNCOLORED)
    count = int(np.count_nonzero(own))
    message = f"{count:,} facets have colours, written as VisCAM and SolidView do"
    return colors, (intake_finding(IntakeCode.VISCAM_COLORS, message, count=count),)


def encode_colors(colors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Pack colours into attribute bytes as VisCAM and SolidView do, which needs no mark in the header.

    Parameters
    ----------
    colors : (n, 3) uint8
        sRGB; 5 bits of each are kept.

    Returns
    -------
    (n,) uint16
    """
    red, green, blue = (colors >> 3).astype(np.uint16).T
    packed: npt.NDArray[np.uint16] = _FLAG | red << 10 | green << 5 | blue
    return packed


def _decode_magics(
    attributes: npt.NDArray[np.uint16], whole: bytes, used: int
) -> tuple[npt.NDArray[np.uint8] | None, tuple[Finding, ...]]:
    own = (attributes & _FLAG) == 0
    count = int(np.count_nonzero(own))
    # All zeros would mean that every facet is black; it is what programs leave that colour the object as a whole.
    if not used or not count:
        message = f"the header names one colour for the whole object (#{whole[:3].hex()}), as Magics does"
        return None, (intake_finding(IntakeCode.MAGICS_OBJECT_COLOR, message),)
    colors = np.where(own[:, None], _unpack(attributes), np.frombuffer(whole[:3], dtype=np.uint8))
    message = f"{count:,} facets have colours of their own, written as Magics does; the others have the object's"
    return colors, (intake_finding(IntakeCode.MAGICS_COLORS, message, count=count),)


def _unpack(attributes: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Return the primaries in the order of their bits, lowest first, (n, 3)."""
    five = np.stack([attributes & 31, attributes >> 5 & 31, attributes >> 10 & 31], axis=1).astype(np.uint8)
    return np.asarray(five << 3 | five >> 2, dtype=np.uint8)  # 31 becomes 255, not 248
