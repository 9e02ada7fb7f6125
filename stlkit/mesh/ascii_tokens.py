"""Written STL as an array of words: found, classified and turned into numbers in bulk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

LONGEST_NUMBER = 40
"""A coordinate with more characters than this is not read."""

_BLOCK = 4096  # numbers that are converted at once; a block with a bad one is read one by one
_BLANK = 0x20  # this byte and every lower one stand between words


class Word(IntEnum):
    """What a word of an ASCII STL file is."""

    OTHER = 0  # a number, a part of a name, or garbage
    SOLID = 1
    FACET = 2
    NORMAL = 3
    OUTER = 4
    LOOP = 5
    VERTEX = 6
    ENDLOOP = 7
    ENDFACET = 8
    ENDSOLID = 9


_LOWER = np.uint64(0x2020202020202020)
_KEYWORDS = {word: int.from_bytes(word.name.lower().encode(), "little") for word in Word if word is not Word.OTHER}
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class Words:
    """The words of a text.

    Parameters
    ----------
    text : bytes
        With blanks in front and behind, so that a fixed number of bytes may be cut from any word's start.
    starts, ends : (w,) int64
        Where in `text` each word begins, and the place behind its last byte.
    """

    text: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        """The `Word` that each word is, upper case or lower, (w,)."""
        lowered = self._first_eight | _LOWER & self._masks
        kinds = np.zeros(len(self), dtype=np.uint8)
        for word, pattern in _KEYWORDS.items():
            kinds[lowered == np.uint64(pattern)] = word
        kinds[self.ends - self.starts > 8] = Word.OTHER
        return kinds

    @cached_property
    def has_upper_case(self) -> bool:
        """Whether any keyword is written with a capital letter."""
        lowered = self._first_eight | _LOWER & self._masks
        return bool(((self.kinds != Word.OTHER) & (lowered != self._first_eight)).any())

    @cached_property
    def _first_eight(self) -> npt.NDArray[np.uint64]:
        """The first eight bytes of each word as one number, zeros behind a shorter one."""
        heads: npt.NDArray[np.uint64] = self.cut(np.arange(len(self)), 8).view("<u8").ravel()
        return np.bitwise_and(heads, self._masks)

    @cached_property
    def _masks(self) -> npt.NDArray[np.uint64]:
        return np.asarray(_FIRST_BYTES[np.minimum(self.ends - self.starts, 8)])

    def cut(self, which: npt.NDArray[np.integer], width: int) -> npt.NDArray[np.uint8]:
        """Copy the next `width` bytes (at most `LONGEST_NUMBER`) from the start of some words, (k, width)."""
        windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(self.text, dtype=np.uint8), width)
        cut: npt.NDArray[np.uint8] = windows[self.starts[which]]
        return cut


def split_words(text: bytes) -> Words:
    """Find the words of a text.

    Parameters
    ----------
    text : bytes
        Words are separated by bytes up to 0x20.

    Returns
    -------
    Words
    """
    padded = b"".join((b" ", text, b" " * LONGEST_NUMBER))
    inside = np.frombuffer(padded, dtype=np.uint8) > _BLANK
    changes = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    return Words(padded, changes[::2], changes[1::2])


@dataclass(frozen=True, slots=True)
class Numbers:
    """What some words mean as numbers.

    Parameters
    ----------
    values : (k,) float64
    valid : (k,) bool
        Whether the word is a number at all; NaN and infinity are.
    commas : (k,) bool
        Whether it was written with a decimal comma.
    """

    values: npt.NDArray[np.float64]
    valid: npt.NDArray[np.bool_]
    commas: npt.NDArray[np.bool_]


def read_numbers(words: Words, which: npt.NDArray[np.integer]) -> Numbers:
    """Read words as numbers.

    Parameters
    ----------
    words : Words
    which : (k,) int
        The words to read.

    Returns
    -------
    Numbers
    """
    if not len(which):
        return Numbers(np.empty(0), np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.bool_))
    lengths = words.ends[which] - words.starts[which]
    width = int(min(lengths.max(), LONGEST_NUMBER))
    letters = words.cut(which, width)
    letters[np.arange(width) >= lengths[:, None]] = 0
    commas: npt.NDArray[np.bool_] = (letters == ord(",")).any(axis=1)
    letters[letters == ord(",")] = ord(".")
    texts = letters.view(f"S{width}").ravel()
    fits = (lengths <= LONGEST_NUMBER) & ~(letters == ord("_")).any(axis=1)  # Python reads 1_000 as a number
    values = np.full(len(texts), np.nan)
    valid = fits.copy()
    for start in range(0, len(texts), _BLOCK):
        block = slice(start, start + _BLOCK)
        try:
            values[block] = texts[block].astype(np.float64)
        except ValueError:
            values[block], numbers = _one_by_one(texts[block])
            valid[block] &= numbers
    return Numbers(values, valid, commas)


_MSVC_SPECIAL = re.compile(rb"[-+]?(?:1\.#(?:IND|QNAN|SNAN|INF)0*|nan(?:\([a-z0-9_]*\))?)", re.IGNORECASE)


def _one_by_one(texts: npt.NDArray[np.bytes_]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values = np.full(len(texts), np.nan)
    valid = np.ones(len(texts), dtype=np.bool_)
    for i, text in enumerate(texts.tolist()):
        try:
            values[i] = float(text)
        except ValueError:
            valid[i] = _MSVC_SPECIAL.fullmatch(text) is not None
    return values, valid
