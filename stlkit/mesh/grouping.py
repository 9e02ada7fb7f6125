"""Equal rows of integers, found with one sort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Columns = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows sorted into groups of equal ones.

    Parameters
    ----------
    first : (g,) int64
        The first row of each group, ascending.
    group : (n,) int64
        The group of each row.
    """

    first: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]


def group_rows(columns: Columns) -> Groups:
    """Find equal rows of three 32-bit integers.

    The rows are hashed; hash and row number share one 64-bit key, because sorting plain integers is many
    times faster than sorting indices or rows. Rows are then compared in full, so a collision of hashes costs
    time and never correctness.

    Parameters
    ----------
    columns : three (n,) uint32

    Returns
    -------
    Groups
        Numbered in the order in which each first appears.
    """
    count = len(columns[0])
    if count == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Groups(nothing, nothing)
    bits = np.uint64(max((count - 1).bit_length(), 1))
    low = (np.uint64(1) << bits) - np.uint64(1)
    keys = _hash(columns) & ~low | np.arange(count, dtype=np.uint64)
    keys.sort()
    order = (keys & low).astype(np.int64)
    keys >>= bits
    same_hash = keys[1:] == keys[:-1]
    differs = _differ(columns, order)
    collisions = same_hash & differs
    if collisions.any():
        order = _sort_collisions(columns, order, same_hash, collisions)
        differs = _differ(columns, order)
    return _number(order, differs)


def _hash(columns: Columns) -> npt.NDArray[np.uint64]:
    # Steps of the splitmix64 finaliser (Steele, Lea and Flood, 2014), one column between each.
    mixed = columns[0] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed += columns[1]
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed += columns[2]
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _differ(columns: Columns, order: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell whether each row differs from the one before it in the given order, (n - 1,)."""
    differs = np.zeros(len(order) - 1, dtype=np.bool_)
    for column in columns:
        ordered = column[order]
        differs |= ordered[1:] != ordered[:-1]
    return differs


def _sort_collisions(
    columns: Columns,
    order: npt.NDArray[np.int64],
    same_hash: npt.NDArray[np.bool_],
    collisions: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Bring equal rows together inside every run of one hash that holds different rows."""
    run = np.concatenate([[0], np.cumsum(~same_hash)])
    mixed_runs = np.zeros(run[-1] + 1, dtype=np.bool_)
    mixed_runs[run[1:][collisions]] = True
    places = np.flatnonzero(mixed_runs[run])
    rows = order[places]
    mended = order.copy()
    mended[places] = rows[np.lexsort((rows, columns[2][rows], columns[1][rows], columns[0][rows], run[places]))]
    return mended


def _number(order: npt.NDArray[np.int64], differs: npt.NDArray[np.bool_]) -> Groups:
    begins = np.concatenate([[True], differs])
    leaders = order[begins]  # inside a group the rows are in ascending order, so this is its first
    is_first = np.zeros(len(order), dtype=np.bool_)
    is_first[leaders] = True
    numbers = np.cumsum(is_first) - 1
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.repeat(numbers[leaders], np.diff(np.flatnonzero(begins), append=len(order)))
    return Groups(np.flatnonzero(is_first), group)
