import logging
import threading
import time

import pytest

from stlkit_widgets.publisher import SHORTEST_INTERVAL_S, Publisher


@pytest.fixture
def opened():
    """Publishers that are closed after the test."""
    publishers = []

    def open_publisher(publish, **options):
        publishers.append(Publisher(publish, **options))
        return publishers[-1]

    yield open_publisher
    for publisher in publishers:
        publisher.close()


class Calls:
    """Notes when it was called, and lets a test wait for the next call."""

    def __init__(self):
        self.moments = []
        self._called = threading.Condition()

    def __call__(self):
        with self._called:
            self.moments.append(time.monotonic())
            self._called.notify_all()

    def until(self, count, timeout_s=30):
        with self._called:
            assert self._called.wait_for(lambda: len(self.moments) >= count, timeout_s)


def test_many_nudges_become_few_calls(opened):
    """However often it is nudged, it publishes at most four times a second, and the last nudge is never lost."""
    calls = Calls()
    publisher = opened(calls)
    for count in (1, 2, 3):
        for _ in range(100):
            publisher.nudge()
        calls.until(count)
    gaps = [later - earlier for earlier, later in zip(calls.moments, calls.moments[1:], strict=False)]
    assert min(gaps) >= SHORTEST_INTERVAL_S * 0.99
    assert len(calls.moments) == 3


def test_a_nudge_while_it_publishes_is_a_call_of_its_own(opened):
    """What changes while the picture is drawn is drawn next."""
    entered, go_on, calls = threading.Event(), threading.Event(), Calls()

    def publish():
        calls()
        entered.set()
        go_on.wait(30)

    publisher = opened(publish)
    publisher.nudge()
    assert entered.wait(30)
    publisher.nudge()
    go_on.set()
    calls.until(2)


def test_it_goes_on_after_an_error(opened, caplog):
    """One failure is logged and does not end the panel."""
    calls = Calls()

    def publish():
        calls()
        if len(calls.moments) == 1:
            raise ValueError("no")

    publisher = opened(publish)
    with caplog.at_level(logging.ERROR):
        publisher.nudge()
        calls.until(1)
        publisher.nudge()
        calls.until(2)
    assert "could not be brought up to date" in caplog.text


def test_it_looks_by_itself_where_nobody_tells(opened):
    """An observer has no events; it publishes without a nudge."""
    calls = Calls()
    opened(calls, look_every_s=0.01)
    calls.until(2)


def test_closing_ends_the_thread_at_once_and_for_good(opened):
    """No thread is left, nothing is published any more, and closing twice is harmless."""
    before = set(threading.enumerate())
    calls = Calls()
    publisher = opened(calls)
    (thread,) = set(threading.enumerate()) - before
    publisher.close()
    assert not thread.is_alive()
    publisher.nudge()
    publisher.close()
    assert calls.moments == []


def test_it_may_be_closed_by_what_it_publishes(opened):
    """A panel that closes itself does not wait for its own thread."""
    closed = threading.Event()

    def publish():
        publisher.close()
        closed.set()

    publisher = opened(publish)
    publisher.nudge()
    assert closed.wait(30)
