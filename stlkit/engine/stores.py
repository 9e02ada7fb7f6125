"""Where a queue keeps what must survive it, and what earlier queues left for it to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stlkit.model.jobs import QueueState
from stlkit.pipeline.costs import DEFAULT_COSTS, CostModel
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.output_index import OutputIndex
from stlkit.storage.writer import CoalescingWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of one queue, opened and closed by whoever made it.

    Parameters
    ----------
    writer : CoalescingWriter of QueueState
        Puts the queue on disk.
    history : JobHistoryManager
        Ended jobs.
    cache : TempFileManager
        A private folder for each running job.
    outputs : OutputIndex
        What was made before.
    costs : callable
        Returns what jobs cost, as far as is known now.
    await_costs : callable
        Returns when `costs` says what the history does, or after a few seconds.
    """

    writer: CoalescingWriter[QueueState]
    history: JobHistoryManager
    cache: TempFileManager
    outputs: OutputIndex
    costs: Callable[[], CostModel] = lambda: DEFAULT_COSTS
    await_costs: Callable[[], None] = lambda: None
