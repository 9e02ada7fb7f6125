"""The queries behind `ProcessingStats`."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from stlkit.errors import OptionError
from stlkit.files import decode_json
from stlkit.model.causes import causes_of
from stlkit.model.times import format_utc
from stlkit.storage.history.selection import PERIOD, SOURCE
from stlkit.storage.history.statistics import (
    MessageCount,
    ModelFigures,
    OptionFigures,
    PeriodTotals,
    ProcessingStats,
    wilson_interval,
)

MOST_LISTED = 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
OPTIONS = ("material", "quality")

_PATH = re.compile(r"(?<![\w.])(?:/[^\s:;,'\"()/]+)+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_FILES = "CASE WHEN json_valid(files_generated) THEN json_array_length(files_generated) ELSE 0 END"
_REUSED = "coalesce(reused_files, 0)"
# as `JobResults.is_up_to_date` has it; such a job made nothing and tells nothing about how long work takes
_WORKED = f"NOT ({_REUSED} > 0 AND {_REUSED} >= {_FILES})"

Row = Sequence[Any]


def processing_statistics(connection: Connection, days: int, until: datetime) -> ProcessingStats:
    """Sum up the jobs that were created in the days before a time.

    Parameters
    ----------
    connection : Connection
    days : int
    until : datetime

    Returns
    -------
    ProcessingStats
    """
    since = days_before(until, days)
    count = _Counter(connection, since, until)
    totals = count.totals()
    completed, judged = totals.by_state.get("completed", 0), totals.judged
    extra, busy_s = count.extra(), count.busy_s()
    return ProcessingStats(
        days=days,
        since=since,
        until=until,
        total=totals.total,
        by_state=totals.by_state,
        success_rate=totals.success_rate,
        success_interval=wilson_interval(completed, judged),
        jobs_per_day=totals.total / days if days > 0 else 0.0,
        jobs_per_hour=3600 * totals.total / busy_s if busy_s > 0 else None,
        total_duration_s=totals.total_duration_s,
        mean_duration_s=totals.mean_duration_s,
        duration_quantiles_s=count.duration_quantiles_s(),
        stage_durations_s=count.stage_durations_s(),
        by_option=count.by_option(),
        bytes_processed=totals.bytes_processed,
        faces_processed=totals.faces_processed,
        output_bytes=int(extra[0]),
        files_generated=totals.files_generated,
        reused_files=int(extra[1]),
        saved_s=float(extra[2]),
        warnings=count.warnings(),
        errors=count.errors(),
        slowest=count.slowest(),
        most_failing=count.most_failing(),
        before=_Counter(connection, days_before(since, days), since).totals(),
    )


def normalized(message: str) -> str:
    """Return a message without what differs from job to job: ``#`` for numbers, ``<path>`` for paths."""
    return _NUMBER.sub("#", _PATH.sub("<path>", message))


def days_before(moment: datetime, days: int) -> datetime:
    """Return the moment so many days earlier; the first one of the calendar where that is before it.

    Raises
    ------
    OptionError
        The number of days is negative.
    """
    if days < 0:
        raise OptionError(f"days: {days} lie in the future; give 0 or more", field="days")
    try:
        return moment - timedelta(days=days)
    except OverflowError:  # before the calendar begins
        return datetime.min.replace(tzinfo=UTC)


class _Counter:
    """Asks one database about one period."""

    def __init__(self, connection: Connection, since: datetime, until: datetime) -> None:
        self._connection = connection
        self._limits = {"since": format_utc(since), "until": format_utc(until)}

    def _rows(self, columns: str, source: str = "job_history", rest: str = "") -> list[Row]:
        query = f"SELECT {columns} FROM {source} WHERE {PERIOD} {rest}"  # noqa: S608 - our own text
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(query, self._limits)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def totals(self) -> PeriodTotals:
        # total(), unlike sum(), never overflows, whatever sizes a row claims
        rows = self._rows(
            f"state, count(*), total(actual_duration), avg(CASE WHEN {_WORKED} THEN actual_duration END), "
            f"total(stl_size), total(faces), total(max(0, {_FILES} - {_REUSED}))",
            SOURCE,
            "GROUP BY state ORDER BY count(*) DESC",
        )
        done = next((row for row in rows if row[0] == "completed"), None)
        return PeriodTotals(
            by_state={row[0]: row[1] for row in rows},
            total_duration_s=sum(row[2] for row in rows),
            mean_duration_s=done[3] if done else None,
            bytes_processed=int(done[4]) if done else 0,
            faces_processed=int(done[5]) if done else 0,
            files_generated=int(sum(row[6] for row in rows)),
        )

    def extra(self) -> Row:
        made_bytes = f"total(CASE WHEN {_WORKED} THEN output_bytes END)"
        return self._rows(f"{made_bytes}, total(reused_files), total(saved_s)", SOURCE)[0]

    def busy_s(self) -> float:
        """Return how long one or more jobs ran: the length of the union of their times."""
        spans = self._rows(
            "julianday(started_at) * 86400, julianday(completed_at) * 86400", rest="AND completed_at > started_at"
        )
        busy, end = 0.0, float("-inf")
        for start, stop in sorted(tuple(span) for span in spans if None not in span):
            if stop > end:
                busy += stop - max(start, end)
                end = stop
        return busy

    def duration_quantiles_s(self) -> dict[float, float]:
        """Return the quantiles, interpolated between neighbours."""
        rows = self._rows(
            "actual_duration",
            SOURCE,
            f"AND state = 'completed' AND actual_duration >= 0 AND {_WORKED} ORDER BY actual_duration",
        )
        if not rows:
            return {}
        found = {}
        for share in QUANTILES:
            place = share * (len(rows) - 1)
            low = int(place)
            high = min(low + 1, len(rows) - 1)
            found[share] = rows[low][0] + (place - low) * (rows[high][0] - rows[low][0])
        return found

    def stage_durations_s(self) -> dict[str, float]:
        decode = msgspec.json.Decoder(dict[str, float]).decode
        sums: dict[str, float] = {}
        for (text,) in self._rows("stage_durations", SOURCE, "AND stage_durations != '{}'"):
            with contextlib.suppress(msgspec.DecodeError, TypeError):  # no stlkit wrote that one
                for name, seconds in decode(text).items():
                    sums[name] = sums.get(name, 0.0) + seconds
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def by_option(self) -> tuple[OptionFigures, ...]:
        groups = self._rows(
            "render_options, count(*), total(actual_duration)",
            SOURCE,
            f"AND state = 'completed' AND {_WORKED} GROUP BY render_options",
        )
        jobs: Counter[tuple[str, str]] = Counter()
        durations: dict[tuple[str, str], float] = {}
        for text, count, duration_s in groups:
            options = _read(text)
            for name in OPTIONS:
                if isinstance(options, dict) and name in options:
                    key = (name, str(options[name]))
                    jobs[key] += count
                    durations[key] = durations.get(key, 0.0) + duration_s
        ordered = sorted(jobs, key=lambda key: (OPTIONS.index(key[0]), -durations[key], key[1]))
        return tuple(
            OptionFigures(
                option=key[0],
                value=key[1],
                jobs=jobs[key],
                total_duration_s=durations[key],
                mean_duration_s=durations[key] / jobs[key],
            )
            for key in ordered
        )

    def warnings(self) -> tuple[MessageCount, ...]:
        found: Counter[str] = Counter()
        for text, jobs in self._rows("warnings, count(*)", rest="AND warnings != '[]' GROUP BY warnings"):
            messages = _read(text)
            for message in {normalized(str(each)) for each in messages} if isinstance(messages, list) else ():
                found[message] += jobs
        return _most(found)

    def errors(self) -> tuple[MessageCount, ...]:
        found: Counter[str] = Counter()
        for message, text, jobs in self._rows(
            "error_message, warnings, count(*)", rest="AND error_message IS NOT NULL GROUP BY error_message, warnings"
        ):
            said = _read(text)
            warnings = [str(each) for each in said] if isinstance(said, list) else []
            for cause in set(map(normalized, causes_of(str(message), warnings))):
                found[cause] += jobs
        return _most(found)

    def slowest(self) -> tuple[ModelFigures, ...]:
        return self._models("HAVING mean_s IS NOT NULL ORDER BY mean_s DESC, stl_path")

    def most_failing(self) -> tuple[ModelFigures, ...]:
        return self._models("HAVING failed > 0 ORDER BY failed DESC, jobs, stl_path")

    def _models(self, order: str) -> tuple[ModelFigures, ...]:
        rows = self._rows(
            "stl_path, count(*) AS jobs, sum(state = 'failed') AS failed, "
            f"avg(CASE WHEN state = 'completed' AND {_WORKED} THEN actual_duration END) AS mean_s",
            SOURCE,
            f"GROUP BY stl_path {order} LIMIT {MOST_LISTED}",
        )
        return tuple(ModelFigures(stl_path=p, jobs=n, failed=f, mean_duration_s=mean) for p, n, f, mean in rows)


def _most(counts: Counter[str]) -> tuple[MessageCount, ...]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(MessageCount(message=message, jobs=jobs) for message, jobs in itertools.islice(ordered, MOST_LISTED))


def _read(text: Any) -> Any:
    """Decode JSON; None where no stlkit wrote it, which says nothing about the other rows."""
    try:
        return decode_json(text.encode())
    except (ValueError, AttributeError):
        return None
