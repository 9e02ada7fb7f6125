"""The history as a table."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from stlkit.storage.history import JobHistoryManager

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("created_at", "started_at", "completed_at")
_CATEGORIES = ("state", "created_by", "app_version", "queue_session_id")


class History(JobHistoryManager):
    """The history database, with its rows as a pandas table. Thread-safe."""

    def to_dataframe(
        self, *, since: datetime | None = None, state: str | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Return jobs as a table, oldest first.

        Parameters
        ----------
        since : datetime, optional
            Only jobs created at or after this aware time.
        state : str, optional
            Only jobs that ended in this state.
        limit : int, optional
            Only the newest so many.

        Returns
        -------
        pandas.DataFrame
            One row a job, with the columns of the documented table: times are ``datetime64[ns, UTC]``, states are
            categories, ``validation_passed`` is a nullable boolean, sizes and durations are numbers, options are
            dictionaries, files and warnings are tuples.
        """
        import pandas as pd  # noqa: PLC0415 - half a second that only tables need

        records = self.records(limit=limit if limit is not None else -1, state=state, since=since)
        frame = pd.DataFrame({name: [getattr(record, name) for record in reversed(records)] for name in self.columns()})
        for name in _TIMES:
            frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[ns, UTC]")
        for name in _CATEGORIES:
            frame[name] = frame[name].astype("category")
        for name in ("estimated_duration", "actual_duration"):
            frame[name] = frame[name].astype("float64")
        frame["stl_size"] = frame["stl_size"].astype("int64")
        frame["validation_passed"] = frame["validation_passed"].astype("boolean")
        return frame
