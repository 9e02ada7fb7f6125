"""Trying again what may work in a moment: drives that do not answer, and files that another program has locked."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ATTEMPTS = 5
FIRST_WAIT_S = 0.1  # doubled with each further attempt

AWAY = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN}
)
"""What a network drive answers while it is away."""

LOCKED = frozenset({errno.EAGAIN, errno.EBUSY, errno.ETXTBSY})
"""What the system answers while another program keeps a file to itself."""


def may_pass(error: BaseException) -> bool:
    """Say whether an error of the system may be over in a moment."""
    return isinstance(error, OSError) and error.errno in AWAY | LOCKED


def patiently(action: Callable[[], T], *, worth_it: Callable[[BaseException], bool] = may_pass) -> T:
    """Do something that may fail for a moment, up to five times within two seconds.

    Parameters
    ----------
    action : callable
    worth_it : callable
        Takes an error and says whether another attempt may end otherwise.

    Returns
    -------
    object
        What `action` returned.

    Raises
    ------
    Exception
        The last error of `action`.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential  # noqa: PLC0415 - loads asyncio

    attempts = Retrying(
        retry=retry_if_exception(worth_it),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=FIRST_WAIT_S, exp_base=2),
        reraise=True,
    )
    return attempts(action)
