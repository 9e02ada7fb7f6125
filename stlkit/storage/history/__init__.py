"""``job_history.db``: one row for every job that ever ended, and what else is known of it beside."""

from stlkit.storage.history.manager import JobHistoryManager
from stlkit.storage.history.rows import JobEnd, JobFacts, JobHistoryRecord
from stlkit.storage.history.selection import JobFilter
from stlkit.storage.history.similar import Likeness, SimilarJob
from stlkit.storage.history.statistics import ProcessingStats
from stlkit.storage.history.timings import JobTiming

__all__ = [
    "JobEnd",
    "JobFacts",
    "JobFilter",
    "JobHistoryManager",
    "JobHistoryRecord",
    "JobTiming",
    "Likeness",
    "ProcessingStats",
    "SimilarJob",
]
