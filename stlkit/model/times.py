"""Time as stlkit writes it: UTC, ISO 8601, a final ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from stlkit.errors import OptionError

AwareTime = Annotated[datetime, Meta(tz=True)]
"""A time that is read only where its text says its offset: aware and naive ones cannot be compared."""


def require_aware(**moments: datetime | None) -> None:
    """Refuse times without an offset, by the names of their fields: such a time is written, but never read again.

    Raises
    ------
    OptionError
        A time does not say its offset.
    """
    for name, moment in moments.items():
        if moment is not None and moment.utcoffset() is None:
            raise OptionError(f"{name}: {moment} says no time zone; give it one, such as datetime.UTC", field=name)


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; at the very ends of the calendar, where UTC has no such day, its own clock's."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def format_utc(moment: datetime) -> str:
    """Write a moment as ``2026-01-15T10:30:00.000000Z``.

    The microseconds are always written, so that texts sort as the moments do.

    Parameters
    ----------
    moment : datetime
        An aware time.

    Returns
    -------
    str
    """
    return in_utc(moment).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_utc(text: str) -> datetime:
    """Read a moment written by `format_utc`, or any ISO 8601 text with an offset.

    Parameters
    ----------
    text : str
        For example ``2026-01-15T10:30:00Z``.

    Returns
    -------
    datetime
        Aware, in UTC.

    Raises
    ------
    ValueError
        The text is not ISO 8601.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
