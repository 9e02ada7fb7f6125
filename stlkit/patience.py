"""Trying again what may work in a moment: drives that do not answer, and files that another program has locked."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)

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


def answer_within(limit_s: float, question: Callable[[], T]) -> T | None:
    """Ask a drive, which may hang and never answer, and do not wait for it for ever.

    Parameters
    ----------
    limit_s : float
        Longest time to wait.
    question : callable
        Asked on a thread of its own, which stays behind where the drive hangs.

    Returns
    -------
    object or None
        What `question` returned; None where it did not in time, or ended with an error.
    """
    answers: list[T] = []

    def ask() -> None:
        try:
            answers.append(question())
        except OSError as error:
            _log.debug("no answer: %s", error)
        except Exception:  # whoever asks is told of no answer, and the log of the defect
            _log.exception("a question could not be asked")

    thread = threading.Thread(target=ask, name="stlkit-question", daemon=True)
    thread.start()
    thread.join(limit_s)
    return answers[0] if answers else None
