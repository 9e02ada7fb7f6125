"""Jobs as one HTML table."""

from __future__ import annotations

from collections.abc import Sequence

from stlkit.files import printable
from stlkit.model.amounts import file_size
from stlkit.model.jobs import JobState, QueueJob
from stlkit_widgets.markup import escaped, isolated

MOST_ROWS = 200
"""Rows drawn at once; a browser redraws so many without a stall."""
ROWS_BEFORE = 20
"""Ended jobs still shown above the first open one, where not all jobs fit."""
LONGEST_NOTE = 240

STATE_MARKS: dict[JobState, tuple[str, str]] = {
    JobState.PENDING: ("quiet", "○"),
    JobState.VALIDATING: ("busy", "▶"),
    JobState.PROCESSING: ("busy", "▶"),
    JobState.PAUSED: ("doubtful", "‖"),
    JobState.COMPLETED: ("good", "✓"),
    JobState.FAILED: ("bad", "✗"),
    JobState.SKIPPED: ("doubtful", "»"),
    JobState.CANCELLED: ("quiet", "–"),
}

_HEAD = (
    '<thead><tr><th scope="col" class="state">State</th><th scope="col">File</th>'
    '<th scope="col" class="number size">Size</th><th scope="col" class="progress">Progress</th>'
    '<th scope="col" class="number time">Time</th><th scope="col" class="note">Warnings and errors</th></tr></thead>'
)


class JobTable:
    """Draws jobs, and remembers the sizes of files it has looked up. Not thread-safe."""

    def __init__(self) -> None:
        self._sizes: dict[str, int | None] = {}

    def render(self, jobs: Sequence[QueueJob]) -> str:
        """Return the table.

        Parameters
        ----------
        jobs : sequence of QueueJob
            In the order in which they run. Of more than `MOST_ROWS`, those around the first that has not ended are
            drawn, and the numbers of the others are said.

        Returns
        -------
        str
            HTML in which everything that comes from outside is escaped.
        """
        if not jobs:
            return '<div class="stlkit"><p class="quiet">No jobs yet. Name files above, then Add.</p></div>'
        first = _first_row(jobs)
        shown = jobs[first : first + MOST_ROWS]
        after = len(jobs) - first - len(shown)
        rows = "".join(self._row(job) for job in shown)
        return (
            f'<div class="stlkit">{_not_shown(first, "earlier")}<table>{_HEAD}<tbody>{rows}</tbody></table>'
            f"{_not_shown(after, 'more')}</div>"
        )

    def _row(self, job: QueueJob) -> str:
        kind, mark = STATE_MARKS[job.state]
        size = self._size(job)
        took = f"{job.actual_duration:.1f} s" if job.state.ended and job.actual_duration is not None else ""
        return (
            f'<tr><td class="state"><span class="mark {kind}" aria-hidden="true">{mark}</span>{job.state}</td>'
            f'<td title="{escaped(printable(job.stl_path))}">{isolated(printable(job.stl_path.name))}</td>'
            f'<td class="number">{"" if size is None else file_size(size)}</td><td>{_progress(job)}</td>'
            f'<td class="number">{took}</td>{_note(job)}</tr>'
        )

    def _size(self, job: QueueJob) -> int | None:
        if job.results.stl_size is not None:
            return job.results.stl_size
        if job.id not in self._sizes:
            try:
                self._sizes[job.id] = job.stl_path.stat().st_size
            except OSError:
                self._sizes[job.id] = None
        return self._sizes[job.id]


def _first_row(jobs: Sequence[QueueJob]) -> int:
    if len(jobs) <= MOST_ROWS:
        return 0
    first_open = next((index for index, job in enumerate(jobs) if not job.state.ended), len(jobs))
    return max(0, min(first_open - ROWS_BEFORE, len(jobs) - MOST_ROWS))


def _not_shown(count: int, which: str) -> str:
    if not count:
        return ""
    return f'<p class="quiet">… {count:,} {which} job{"s" if count != 1 else ""} not shown</p>'


def _progress(job: QueueJob) -> str:
    if job.state.ended or job.stage is None:
        return ""
    stage = escaped(job.stage.replace("_", " "))
    return f'<progress max="100" value="{job.progress:.0f}"></progress> {job.progress:.0f} % {stage}'


def _note(job: QueueJob) -> str:
    texts = [text] if (text := job.question or job.error_message) else list(job.results.warnings)
    if not texts:
        return "<td></td>"
    short = texts[0] if len(texts[0]) <= LONGEST_NOTE else f"{texts[0][:LONGEST_NOTE]}…"
    more = f' <span class="quiet">(+{len(texts) - 1} more)</span>' if len(texts) > 1 else ""
    return f'<td title="{escaped(chr(10).join(texts))}">{isolated(short)}{more}</td>'
