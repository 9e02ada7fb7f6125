import logging
import threading
import time

import pytest

from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import calibration_cube
from stlkit.workspace import Workspace
from stlkit_widgets import feed
from stlkit_widgets.feed import SHORTEST_INTERVAL_S, Feed


class Listener:
    """Keeps all news, and lets a test wait for some."""

    def __init__(self):
        self.news = []
        self._told = threading.Condition()

    def __call__(self, news):
        with self._told:
            self.news.append(news)
            self._told.notify_all()

    def until(self, condition, timeout_s=30):
        with self._told:
            assert self._told.wait_for(lambda: condition(self.news), timeout_s)


@pytest.fixture
def listen():
    """Give the function that listens to a workspace's feed; every listener leaves after the test."""
    leaving = []

    def begin(workspace, listener=None):
        listener = listener or Listener()
        if not workspace.is_observer:
            workspace.queue.flush()  # what has happened so far is no news
        leaving.append(Feed.of(workspace).listen(listener))
        return listener

    yield begin
    for leave in leaving:
        leave()


def feed_threads():
    return [thread for thread in threading.enumerate() if thread.name == "stlkit-feed"]


def test_many_events_become_few_news(workspace, models, listen):
    """However much happens, listeners are told at most four times a second, and the last event is never lost."""
    listener = listen(workspace)
    began = time.monotonic()
    (job, _) = workspace.queue.add(models).jobs
    for number in range(300):
        workspace.queue.configure(render={"width": 100 + number})
    workspace.queue.cancel(job)
    listener.until(lambda news: news and news[-1].state.jobs[0].state == "cancelled")
    assert len(listener.news) <= 1 + (time.monotonic() - began) / SHORTEST_INTERVAL_S
    assert {job.id for job in workspace.queue.jobs} == set().union(*(news.changed for news in listener.news))
    assert any(news.reordered for news in listener.news)


def test_nothing_is_told_where_nothing_changes(workspace, listen, models):
    """One event is one piece of news; then it is quiet."""
    listener = listen(workspace)
    workspace.queue.add(models / "cube.stl")
    listener.until(lambda news: len(news) == 1)
    Feed.of(workspace).nudge()
    listener.until(lambda news: len(news) == 2)
    assert (listener.news[1].changed, listener.news[1].reordered) == (frozenset(), False)


def test_what_a_person_did_shows_at_once(workspace, listen, monkeypatch):
    """An urgent nudge does not wait until the shortest interval is over, were it an hour."""
    monkeypatch.setattr(feed, "SHORTEST_INTERVAL_S", 3600.0)
    listener = listen(workspace)
    for number in range(1, 6):
        Feed.of(workspace).nudge(at_once=True)
        listener.until(lambda news, number=number: len(news) == number)


def test_a_listener_that_fails_harms_no_other(workspace, listen, caplog):
    """It is logged, and told again next time."""
    calls = []

    def broken(news):
        calls.append(news)
        raise ValueError("no")

    listen(workspace, broken)
    good = listen(workspace)
    with caplog.at_level(logging.ERROR):
        Feed.of(workspace).nudge()
        good.until(lambda news: len(news) == 1)
        Feed.of(workspace).nudge()
        good.until(lambda news: len(news) == 2)
    assert len(calls) == 2
    assert "could not be brought up to date" in caplog.text


def test_the_thread_lives_as_long_as_somebody_listens(workspace, listen):
    """All listeners of a workspace share one; the last to leave ends it, and a listener may leave while it is told."""
    assert Feed.of(workspace) is Feed.of(workspace)
    observers = workspace.queue._events._observers
    left = threading.Event()
    leave = Feed.of(workspace).listen(lambda _: (leave(), left.set()))
    other = Feed.of(workspace).listen(Listener())
    assert len(feed_threads()) == 1
    other()
    other()
    Feed.of(workspace).nudge()
    assert left.wait(30)
    for thread in feed_threads():
        thread.join(30)
    assert not feed_threads()
    assert workspace.queue._events._observers == observers
    listen(workspace)
    assert len(feed_threads()) == 1


def test_an_observer_is_told_what_the_owner_wrote(workspace, models, tmp_path, listen):
    """New jobs, changed ones and a new order come; what did not change is not told again."""
    with Workspace(tmp_path / "home", observe=True) as second:
        listener = listen(second)
        listener.until(lambda news: len(news) == 1)
        (models / "more.stl").write_bytes(encode_binary_stl(calibration_cube()))
        first, *_ = workspace.queue.add(models).jobs
        workspace.queue.flush()
        listener.until(lambda news: len(news[-1].state.jobs) == 3)
        assert listener.news[-1].reordered
        workspace.queue.cancel(first)
        workspace.queue.flush()
        listener.until(lambda news: news[-1].changed == {first.id})
        assert not listener.news[-1].reordered


def test_an_observer_says_when_the_file_cannot_be_read(workspace, models, tmp_path, listen):
    """What was seen last stays, with the reason why it may be old."""
    workspace.queue.add(models)
    workspace.queue.flush()
    Workspace(tmp_path / "elsewhere").close()
    with Workspace(tmp_path / "elsewhere", observe=True) as observer:
        observer.home.queue_state.write_text("{")
        listener = listen(observer)
        listener.until(lambda news: news and news[-1].problem is not None)
        assert "queue_state.json" in listener.news[-1].problem
