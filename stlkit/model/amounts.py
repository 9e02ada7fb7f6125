"""Amounts of bytes: how many files, how much room, and both as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much there is of something.

    Parameters
    ----------
    count : int
        Files, folders or rows, as the context says.
    size_bytes : int
    """

    count: int = 0
    size_bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(count=self.count + other.count, size_bytes=self.size_bytes + other.size_bytes)


def file_size(size_bytes: float) -> str:
    """Return an amount of bytes for a person: ``84 B``, ``1.3 kB``, ``66 MB``."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"
