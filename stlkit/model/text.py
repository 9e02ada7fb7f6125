"""Text from outside, as a log, a terminal or a page may show it."""

from __future__ import annotations

import re
from pathlib import Path

_UNSHOWABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029"  # control characters: they end lines and steer terminals
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction of what stands around them
    r"\ud800-\udfff]"  # no encoder takes them
)


def one_line(text: Path | str) -> str:
    r"""Return text that stays on one line of a log or a terminal, and steers neither, whatever a file is called.

    A line feed shows as ``\n``, a byte that is no UTF-8 as ``\xNN``, a mark that turns the direction of writing as
    ``\u202e``.
    """
    return _UNSHOWABLE.sub(_escape, str(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries such a byte, PEP 383
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape").decode("ascii")
