"""What a person should know or decide about a queue, as notices."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from stlkit.files import one_line, printable
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.reports import Severity, counted
from stlkit.workspace import Workspace
from stlkit_widgets.notices import Choice, Notice

_GO_ON = Choice(name="resume", label="Resume", primary=True)
_DISMISS = Choice(name="dismiss", label="Dismiss")
_ELSEWHERE = Choice(name="elsewhere", label="Use this folder", primary=True)


class Situation:
    """Finds the notices of a workspace; remembers what was dismissed. Not thread-safe.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._dismissed: set[str] = set()
        self._left_over = {job.job_id for job in workspace.recovery.unfinished}

    def dismiss(self, notice_id: str) -> None:
        """Do not show a notice again."""
        self._dismissed.add(notice_id)

    def left_over(self, state: QueueState) -> tuple[str, ...]:
        """Return the ids of the jobs that an earlier session left and nobody has taken up."""
        self._left_over &= {job.id for job in state.jobs if job.state is JobState.PAUSED}
        return tuple(job.id for job in state.jobs if job.id in self._left_over)

    def notices(self, state: QueueState, problem: str | None = None) -> list[Notice]:
        """Return what is to be shown now, the most urgent first.

        Parameters
        ----------
        state : QueueState
        problem : str, optional
            Why the state cannot be read now.
        """
        if self._workspace.is_observer:
            return list(self._of_observer(problem))
        if self._workspace.queue.is_closed:
            text = "This workspace is closed. Open it again, then show its panel again."
            return [Notice(id="closed", text=text, severity=Severity.WARNING)]
        found = (*self._of_pause(state), *self._of_questions(state), *self._of_recovery(state))
        return [notice for notice in found if notice.id not in self._dismissed]

    def _of_observer(self, problem: str | None) -> Iterator[Notice]:
        owner = self._workspace.owner
        if owner is None:
            text = "The process that owned this queue has ended. Open the workspace again to take the queue over."
        elif owner.pid == os.getpid() and owner.host == platform.node():
            text = "This workspace only looks. Open it again, without observe=True, to use the queue from here."
        else:
            text = f"This queue belongs to {owner}; here it can only be looked at."
        yield Notice(id="observer", text=text, severity=Severity.WARNING)
        if problem is not None:
            yield Notice(id="problem", text=problem, severity=Severity.ERROR)

    def _of_pause(self, state: QueueState) -> Iterator[Notice]:
        reason = self._workspace.queue.pause_reason
        if reason is not None:
            text = f"The queue has paused: {one_line(reason)}."
            folder = printable(state.queue_settings.output_base_folder)
            yield Notice(
                id="paused", text=text, severity=Severity.ERROR, choices=(_ELSEWHERE, _plain(_GO_ON)), folder=folder
            )

    def _of_questions(self, state: QueueState) -> Iterator[Notice]:
        by_folder: dict[Path, list[QueueJob]] = {}
        for job in state.jobs:
            if job.state is JobState.PAUSED and job.question is not None:
                by_folder.setdefault(job.output_base_folder, []).append(job)
        for folder, jobs in by_folder.items():
            again = Choice(name="again", label="Try again")
            review = Choice(name="review", label="Review")
            yield Notice(
                id=f"question {printable(folder)}",
                text=f"{counted(len(jobs), 'job')} waiting for an answer: {one_line(jobs[0].question or '')}",
                severity=Severity.WARNING,
                choices=(_ELSEWHERE, again, review),
                folder=printable(folder),
            )

    def _of_recovery(self, state: QueueState) -> Iterator[Notice]:
        count = len(self.left_over(state))
        if count:
            were = "jobs were" if count > 1 else "job was"
            yield Notice(
                id="recovery",
                text=f"{count:,} {were} interrupted when the last session ended.",
                severity=Severity.WARNING,
                choices=(
                    _GO_ON,
                    Choice(name="review", label="Review"),
                    Choice(name="discard", label="Discard", sure=f"Really discard {counted(count, 'job')}"),
                ),
            )
        for number, note in enumerate(self._workspace.recovery.notes):
            yield Notice(id=f"note {number}", text=one_line(note), choices=(_DISMISS,))


def asking_jobs(state: QueueState, notice_id: str) -> tuple[str, ...]:
    """Return the ids of the jobs that a notice with a question is about."""
    return tuple(
        job.id
        for job in state.jobs
        if job.question is not None
        and job.state is JobState.PAUSED
        and notice_id == f"question {printable(job.output_base_folder)}"
    )


def waiting_jobs(jobs: Sequence[QueueJob]) -> tuple[str, ...]:
    """Return the ids of the jobs whose outputs can still go elsewhere."""
    return tuple(job.id for job in jobs if not job.state.ended and not job.in_hand)


def _plain(choice: Choice) -> Choice:
    return Choice(name=choice.name, label=choice.label)
