"""``job_history.db``: one row for every job that ever ended, and what else is known of it beside."""

from stlkit.storage.history.manager import JobHistoryManager, ProcessingStats
from stlkit.storage.history.rows import JobEnd, JobFacts, JobHistoryRecord

__all__ = ["JobEnd", "JobFacts", "JobHistoryManager", "JobHistoryRecord", "ProcessingStats"]
