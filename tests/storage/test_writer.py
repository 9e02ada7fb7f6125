"""The background writer: coalesces, never loses the last, never blocks the caller."""

import threading

import pytest

from stlkit.storage.writer import CoalescingWriter


def test_flush_waits_until_the_newest_is_written():
    """What was scheduled before flush() is saved when it returns."""
    saved = []
    writer = CoalescingWriter(saved.append, name="test-writer")
    for number in range(100):
        writer.schedule(lambda number=number: number)
    writer.flush()
    assert saved[-1] == 99
    writer.close()


def test_what_is_replaced_while_the_disk_is_busy_is_never_written():
    """A slow disk costs the caller nothing and gets only the newest."""
    saved, threads, busy, go_on = [], set(), threading.Event(), threading.Event()

    def snapshot(number):
        threads.add(threading.current_thread())
        return number

    def save(number):
        saved.append(number)
        busy.set()
        assert go_on.wait(10)

    writer = CoalescingWriter(save, name="test-writer")
    writer.schedule(lambda: snapshot(0))
    assert busy.wait(10)
    for number in range(1, 50):
        writer.schedule(lambda number=number: snapshot(number))
    go_on.set()
    writer.close()
    assert saved == [0, 49]
    assert threading.current_thread() not in threads, "the caller pays for what is written"


def test_a_failed_write_is_told_to_who_waits_and_the_next_one_tries_again():
    """A full disk is an error of flush(), not the end of the writer."""
    saved = []

    def save(number):
        if number == 1:
            raise OSError(28, "No space left on device")
        saved.append(number)

    writer = CoalescingWriter(save, name="test-writer")
    writer.schedule(lambda: 1)
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    writer.schedule(lambda: 2)
    writer.flush()
    writer.close()
    assert saved == [2]


def test_a_closed_writer_takes_nothing_and_keeps_nobody_waiting():
    """What comes after its end is not written, and not waited for."""
    saved = []
    writer = CoalescingWriter(saved.append, name="test-writer")
    writer.schedule(lambda: 1)
    writer.close()
    writer.schedule(lambda: 2)
    flushing = threading.Thread(target=writer.flush, daemon=True)
    flushing.start()
    flushing.join(10)
    assert not flushing.is_alive()
    assert saved == [1]
