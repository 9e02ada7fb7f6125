"""Asking whether what is waited for has come: soon, and ever more seldom where it only seemed so."""

import itertools
import threading
import time

import pytest

from stlkit.engine.watcher import MOST_OPEN, Watcher
from stlkit.errors import JobError


@pytest.fixture
def watcher():
    watcher = Watcher(interval_s=0.01)
    yield watcher
    watcher.close()


def test_what_comes_and_goes_is_asked_for_half_as_often_each_time(watcher):
    """A disk with free space and no quota left must not have a job begin every two seconds for ever."""
    came, done = [time.monotonic()], threading.Event()

    def try_in_vain():
        came.append(time.monotonic())
        if len(came) == 6:
            done.set()
        else:
            watcher.expect("disk", lambda: True, try_in_vain)

    watcher.expect("disk", lambda: True, try_in_vain)
    assert done.wait(10)
    waits = [after - before for before, after in itertools.pairwise(came)]
    assert all(wait >= 0.01 * 2**number for number, wait in enumerate(waits)), waits


def test_other_things_are_asked_for_as_before(watcher):
    """Each has an interval of its own, and an error of the system is a no."""
    done, answers = threading.Event(), iter([OSError("away"), OSError("away")])

    def is_back():
        for error in answers:
            raise error
        return True

    watcher.expect("drive", is_back, done.set)
    assert done.wait(10)


@pytest.mark.parametrize("fault", ["has_come", "then"])
def test_a_fault_in_one_thing_is_logged_and_the_others_come(watcher, caplog, fault):
    """The thread outlives whatever it calls, and takes on what is expected later."""
    faulty, done, later = threading.Event(), threading.Event(), threading.Event()

    def fail():
        faulty.set()
        raise JobError("a defect")

    watcher.expect("a", *((fail, done.set) if fault == "has_come" else (lambda: True, fail)))
    watcher.expect("b", faulty.is_set, done.set)
    assert done.wait(10)
    watcher.expect("c", lambda: True, later.set)
    assert later.wait(10)
    assert "a defect" in caplog.text


def test_a_question_that_hangs_is_left_behind(watcher, monkeypatch):
    """The others are asked as before, it is not asked twice at once, and what it answers in the end counts."""
    monkeypatch.setattr("stlkit.engine.watcher.ANSWER_WITHIN_S", 0.05)
    asked, answers, done, late = [], threading.Event(), threading.Event(), threading.Event()

    def hang():
        asked.append(time.monotonic())
        return answers.wait(60)

    rounds = iter(range(5))
    watcher.expect("hangs", hang, late.set)
    watcher.expect("comes", lambda: next(rounds, None) is None, done.set)
    assert done.wait(10)
    assert len(asked) == 1 and not late.is_set()
    answers.set()
    assert late.wait(10)


def test_one_place_that_hangs_takes_one_thread(watcher, monkeypatch):
    """However much is awaited there; another place is asked about."""
    monkeypatch.setattr("stlkit.engine.watcher.ANSWER_WITHIN_S", 0.01)
    asked, answers, done = [], threading.Event(), threading.Event()
    for number in range(3 * MOST_OPEN):
        watcher.expect(
            str(number), lambda number=number: asked.append(number) or answers.wait(60), lambda: None, place="hung"
        )
    rounds = iter(range(10))
    watcher.expect("fine", lambda: next(rounds, None) is None, done.set, place="fine")
    try:
        assert done.wait(30)
        assert len(asked) == 1
    finally:
        answers.set()


def test_drives_that_hang_keep_nothing_urgent_waiting(watcher, monkeypatch):
    """However many they are; and only so many threads wait for them."""
    monkeypatch.setattr("stlkit.engine.watcher.ANSWER_WITHIN_S", 0.01)
    asked, answers, done = [], threading.Event(), threading.Event()
    for number in range(3 * MOST_OPEN):
        watcher.expect(str(number), lambda number=number: asked.append(number) or answers.wait(60), lambda: None)
    urgent = iter(range(20))
    watcher.expect("disk", lambda: next(urgent, None) is None, done.set, urgent=True)
    try:
        assert done.wait(30)
        assert len(asked) == MOST_OPEN
    finally:
        answers.set()


def test_what_is_forgotten_never_comes(watcher):
    """Nobody is told of it, and of the other things all the same."""
    told, done = [], threading.Event()
    watcher.expect("a", lambda: True, lambda: told.append("a"))
    watcher.forget("a")
    watcher.expect("b", lambda: True, done.set)
    assert done.wait(10)
    assert told == []
