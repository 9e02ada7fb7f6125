"""How long something will still take, in words that do not jump."""

from __future__ import annotations

import time
from collections.abc import Callable

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# Up to so many seconds, to so many: nobody needs the seconds of an hour.
_STEPS = ((_MINUTE, 10), (10 * _MINUTE, _MINUTE), (_HOUR, 5 * _MINUTE), (10 * _HOUR, 10 * _MINUTE), (2 * _DAY, _HOUR))
_SETTLE_S = 5.0  # how long a new forecast takes to be believed
_STAY = 0.75  # of a step, by which what is said may be wrong before something else is said


def rough_duration(seconds: float) -> str:
    """Say roughly how long something takes, such as ``about 20 s``, ``about 3 min`` or ``about 1 h 20 min``."""
    return _words(_rounded(seconds))


class Countdown:
    """Turns forecasts, which waver, into a remaining time that goes down calmly.

    Parameters
    ----------
    clock : callable, optional
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked_at = 0.0
        self._ends_at: float | None = None
        self._said_s: float | None = None

    def say(self, remaining_s: float) -> str:
        """Take a new forecast, and say how long it will still take.

        Parameters
        ----------
        remaining_s : float
            As it is foreseen now.

        Returns
        -------
        str
            As `rough_duration` says it.
        """
        now = self._clock()
        ends_at = now + remaining_s
        if self._ends_at is not None:
            ends_at = self._ends_at + (ends_at - self._ends_at) * min(1.0, (now - self._asked_at) / _SETTLE_S)
        self._asked_at, self._ends_at = now, ends_at
        left_s = max(0.0, ends_at - now)
        if self._said_s is None or abs(left_s - self._said_s) > _STAY * _step(self._said_s):
            self._said_s = _rounded(left_s)
        return _words(self._said_s)


def _step(seconds: float) -> int:
    return next((step for most, step in _STEPS if seconds <= most), _DAY)


def _rounded(seconds: float) -> float:
    step = _step(seconds)
    return max(1, round(seconds / step)) * step


def _words(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"about {seconds:.0f} s"
    minutes = round(seconds / _MINUTE)
    if minutes < _HOUR // _MINUTE:
        return f"about {minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"
    return f"about {round(seconds / _DAY)} days"
