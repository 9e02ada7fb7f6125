"""Where in the words of an ASCII STL file the whole facets, the names and the damage are.

Only what stands between ``outer loop`` and ``endloop`` makes a triangle, so a loop of exactly three vertices is
what counts as whole, whatever became of the normal in front of it or of the words behind it.
Source: 3D Systems, *StereoLithography Interface Specification*, 1989.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.ascii_tokens import Word, Words

_VERTEX = (Word.VERTEX, Word.OTHER, Word.OTHER, Word.OTHER)
_LOOP = (Word.OUTER, Word.LOOP, *_VERTEX, *_VERTEX, *_VERTEX, Word.ENDLOOP)
_NORMAL = (Word.FACET, Word.NORMAL, Word.OTHER, Word.OTHER, Word.OTHER)
COORDINATES = np.array([i for i, word in enumerate(_LOOP) if word is Word.OTHER])
"""Where in the words of a loop its nine coordinates are."""

_LONGEST_FRONT = 8
"""Words that may stand in front of a loop and still be its normal, however garbled."""

_MOST_NAMES = 20_000
"""Lines of names that are told from other words; no model has as many solids."""

_LINE_BREAK = re.compile(rb"[\r\n]")
_FACET_WORDS = (Word.FACET, Word.NORMAL, Word.OUTER, Word.LOOP, Word.VERTEX, Word.ENDLOOP, Word.ENDFACET)


@dataclass(frozen=True, slots=True)
class Names:
    """The lines that begin and end solids.

    Parameters
    ----------
    solids, endsolids : tuple of bytes
        The names behind each ``solid`` and each ``endsolid``, in order.
    ended : bool
        Whether the last such line is an ``endsolid``.
    begins : bool
        Whether a ``solid`` line stands in front of everything else.
    words : (w,) bool
        Which words belong to these lines.
    """

    solids: tuple[bytes, ...]
    endsolids: tuple[bytes, ...]
    ended: bool
    begins: bool
    words: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Structure:
    """How the words of a file hang together.

    Parameters
    ----------
    loops : (n,) int64
        The ``outer`` of every whole loop.
    facet_numbers : (n,) int64
        Place of each among all facets of the file, whole or not.
    names : Names
    irregular : int
        Whole loops without ``facet normal`` and three words in front, or without ``endfacet`` behind.
    malformed : int
        Facets that are not whole, without one that the end of the file cut.
    stray_words : int
        Words that belong nowhere.
    cut : bool
        Whether the file ends inside a facet.
    """

    loops: npt.NDArray[np.int64]
    facet_numbers: npt.NDArray[np.int64]
    names: Names
    irregular: int
    malformed: int
    stray_words: int
    cut: bool


def find_structure(words: Words) -> Structure:
    """Find facets, names and damage.

    Parameters
    ----------
    words : Words

    Returns
    -------
    Structure
    """
    kinds = words.kinds
    outers = np.flatnonzero(kinds == Word.OUTER)
    loops = outers[_matches(kinds, outers, _LOOP)]
    names = _names(words, loops)
    loops = loops[~names.words[loops]]
    covered = names.words.copy()
    _cover(covered, loops, len(_LOOP))
    whole_front = _matches(kinds, loops - len(_NORMAL), _NORMAL)
    _cover(covered, loops[whole_front] - len(_NORMAL), len(_NORMAL))
    _cover_broken_fronts(kinds, covered, loops[~whole_front])
    ends = loops + len(_LOOP)
    closed = _matches(kinds, ends, (Word.ENDFACET,))
    covered[ends[closed]] = True
    regular = whole_front & closed
    cut_loop = len(loops) > 0 and ends[-1] == len(words)
    malformed, stray, cut_run = _damage(kinds, covered, names)
    outers = outers[~names.words[outers]]
    return Structure(
        loops=loops,
        facet_numbers=np.searchsorted(outers, loops),
        names=names,
        irregular=int(np.count_nonzero(~regular)) - int(cut_loop and bool(whole_front[-1])),
        malformed=malformed,
        stray_words=stray,
        cut=cut_loop or cut_run,
    )


def _matches(
    kinds: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], pattern: tuple[Word, ...]
) -> npt.NDArray[np.bool_]:
    fits = (places >= 0) & (places + len(pattern) <= len(kinds))
    for offset, word in enumerate(pattern):
        inside = places[fits] + offset
        fits[fits] = kinds[inside] == word
    return fits


def _cover(covered: npt.NDArray[np.bool_], places: npt.NDArray[np.int64], length: int) -> None:
    for offset in range(length):
        covered[places + offset] = True


def _cover_broken_fronts(
    kinds: npt.NDArray[np.uint8], covered: npt.NDArray[np.bool_], loops: npt.NDArray[np.int64]
) -> None:
    """Cover what stands between ``facet`` and its loop where that is no normal of three numbers."""
    for length in range(1, _LONGEST_FRONT + 1):
        fits = _matches(kinds, loops - length, (Word.FACET,))
        _cover(covered, loops[fits] - length, length)
        loops = loops[~fits]


def _names(words: Words, loops: npt.NDArray[np.int64]) -> Names:
    belongs = np.zeros(len(words), dtype=np.bool_)
    solids: list[bytes] = []
    endsolids: list[bytes] = []
    begins = False
    end = last = line_end = -1
    kinds = words.kinds
    for at in np.flatnonzero((kinds == Word.SOLID) | (kinds == Word.ENDSOLID))[:_MOST_NAMES].tolist():
        if at < end or not _opens(words, at):
            continue
        if words.ends[at] > line_end:  # searched once a line: a file of one line may hold many solids
            found = _LINE_BREAK.search(words.text, int(words.ends[at]))
            line_end = found.start() if found else len(words.text)
        end = _name_end(words, at, line_end, loops)
        belongs[at:end] = True
        last = at
        name = words.text[words.ends[at] : words.ends[end - 1]].strip()
        (solids if kinds[at] == Word.SOLID else endsolids).append(name)
        begins |= at == 0 and kinds[at] == Word.SOLID
    ended = last >= 0 and kinds[last] == Word.ENDSOLID
    return Names(tuple(solids), tuple(endsolids), bool(ended), bool(begins), belongs)


def _opens(words: Words, at: int) -> bool:
    """Tell whether a word is the first of its line, or follows a facet in a file of one line."""
    if at == 0 or words.kinds[at - 1] == Word.ENDFACET:
        return True
    return _LINE_BREAK.search(words.text, int(words.ends[at - 1]), int(words.starts[at])) is not None


def _name_end(words: Words, at: int, line_end: int, loops: npt.NDArray[np.int64]) -> int:
    """Return the word behind a name, which ends with its line, or where a facet begins on that line."""
    end = int(np.searchsorted(words.starts, line_end))
    following = int(np.searchsorted(loops, at))
    if following < len(loops) and loops[following] < end:
        loop = int(loops[following])
        facets = np.flatnonzero(words.kinds[at + 1 : loop] == Word.FACET)
        end = at + 1 + int(facets[-1]) if len(facets) else loop
    return end


def _damage(kinds: npt.NDArray[np.uint8], covered: npt.NDArray[np.bool_], names: Names) -> tuple[int, int, bool]:
    """Count the facets that are not whole and the words that belong nowhere; tell whether the end cut a facet."""
    loose = np.flatnonzero(~covered)
    if not len(loose):
        return 0, 0, False
    runs = np.flatnonzero(np.diff(loose, prepend=-2) > 1)
    loose_kinds = kinds[loose]
    keywords = np.add.reduceat(np.isin(loose_kinds, _FACET_WORDS).astype(np.int64), runs)
    begun = np.maximum(
        np.add.reduceat((loose_kinds == Word.FACET).astype(np.int64), runs),
        np.add.reduceat((loose_kinds == Word.OUTER).astype(np.int64), runs),
    )
    facets = np.where(keywords > 0, np.maximum(begun, 1), 0)
    lengths = np.diff(runs, append=len(loose))
    cut = bool(loose[-1] == len(kinds) - 1) and (not names.ended or bool(keywords[-1]))
    stray = int(lengths[facets == 0].sum())
    if cut:
        facets[-1] = max(int(facets[-1]) - 1, 0)
        stray -= int(lengths[-1]) if keywords[-1] == 0 else 0
    return int(facets.sum()), stray, cut
