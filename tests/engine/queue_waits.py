"""Waiting for what a queue does."""


def wait_until(queue, condition, timeout_s=60):
    """Wait for a change of the queue that makes the condition true."""
    with queue._changed:
        assert queue._changed.wait_for(condition, timeout_s), (queue.jobs, queue.pause_reason)
