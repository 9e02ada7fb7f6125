"""What an interrupted session left behind, and how it is taken up again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stlkit.errors import HistoryError, OptionError
from stlkit.files import name_key, one_line, printable, remove_abandoned_parts
from stlkit.model.html import headline, isolated, joined, remark, rows_table
from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState, new_job_id
from stlkit.model.showing import more, signed
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobEnd, JobHistoryManager, JobHistoryRecord
from stlkit.storage.partials import remove_partial_outputs
from stlkit.storage.progress import FILE_NAME, ProcessingState, load_processing_state
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.sources import SourceCheck, SourceSearch, SourceState, check_source

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationError:
    """One thing that is wrong in a recovered queue state; data, not an exception.

    Parameters
    ----------
    field : str
        Where, such as ``jobs[3].stl_path``.
    message : str
    job_id : str or None
    """

    field: str
    message: str
    job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredJob:
    """What was found of one job, and what was done about it.

    Parameters
    ----------
    job_id : str
    stl_path : Path
    found : str
        State it was left in, and how far it had come.
    done : str
        What happens to it now.
    state : JobState
        State it has now.
    source : SourceState
        How its source file was found.
    """

    job_id: str
    stl_path: Path
    found: str
    done: str
    state: JobState
    source: SourceState = SourceState.PRESENT


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryResult:
    """What a recovery found and did.

    Parameters
    ----------
    state : QueueState
        The queue as it goes on: what was unfinished is ``paused`` until a person resumes it.
    jobs : tuple of RecoveredJob
        Every job that had not ended according to the queue's file, and every ended one that the history did not know.
    errors : tuple of ValidationError
    notes : tuple of str
        About the files themselves, such as a backup that was used.
    removed : tuple of Path
        Half-written files that a killed process had left beside outputs.
    """

    state: QueueState
    jobs: tuple[RecoveredJob, ...] = ()
    errors: tuple[ValidationError, ...] = ()
    notes: tuple[str, ...] = ()
    removed: tuple[Path, ...] = ()

    @property
    def unfinished(self) -> tuple[RecoveredJob, ...]:
        """The jobs that wait to be resumed."""
        return tuple(job for job in self.jobs if job.state is JobState.PAUSED)

    @property
    def settled(self) -> tuple[RecoveredJob, ...]:
        """The jobs of which queue and history disagreed, and now agree that they have ended."""
        return tuple(job for job in self.jobs if job.state.ended)

    def __str__(self) -> str:
        lines = [one_line(note) for note in self.notes]
        # of sources that are gone, the lines of their jobs tell
        wrong = [error for error in self.errors if not error.field.endswith(".stl_path")]
        lines += [f"the queue's file was wrong: {one_line(error.message)}" for error in wrong[:MOST_SHOWN]]
        waiting, settled = self.unfinished, self.settled
        lines += _listed("of an earlier session had ended", "of an earlier session had ended", settled)
        lines += _listed("of an earlier session waits", "of an earlier session wait", waiting)
        if self.removed:
            lines.append(f"{len(self.removed)} half-written files were removed")
        return "\n".join(lines) or "nothing to recover"

    def _repr_html_(self) -> str:
        rows = [
            (signed(job.state), isolated(job.stl_path.name), job.found, job.done)
            for job in (*self.unfinished, *self.settled)[:MOST_SHOWN]
        ]
        waiting = len(self.unfinished)
        headed = f"{waiting} job{'s' if waiting != 1 else ''} to resume" if waiting else "nothing to resume"
        return joined(
            headline("Recovery", headed),
            rows_table(("state", "file", "was found", "what happens"), rows) if rows else None,
            more(len(self.unfinished) + len(self.settled) - MOST_SHOWN),
            *(remark(note) for note in self.notes),
            *(remark(f"{error.field}: {error.message}") for error in self.errors[:MOST_SHOWN]),
            remark(f"{len(self.removed)} half-written files were removed") if self.removed else None,
        )


def _listed(one: str, many: str, jobs: tuple[RecoveredJob, ...]) -> list[str]:
    if not jobs:
        return []
    lines = [f"1 job {one}:" if len(jobs) == 1 else f"{len(jobs)} jobs {many}:"]
    lines += [f"  {one_line(f'{job.stl_path.name}: {job.found}; {job.done}')}" for job in jobs[:MOST_SHOWN]]
    if len(jobs) > MOST_SHOWN:
        lines.append(f"  and {len(jobs) - MOST_SHOWN} more")
    return lines


class SessionRecoveryManager:
    """Takes up the queue of an earlier session. Not thread-safe; used once, while a workspace opens.

    Parameters
    ----------
    states : QueueStateManager
    history : JobHistoryManager
    cache : TempFileManager
    """

    def __init__(self, states: QueueStateManager, history: JobHistoryManager, cache: TempFileManager) -> None:
        self._search = SourceSearch()
        self._states = states
        self._history = history
        self._cache = cache

    def check_for_recovery(self) -> QueueState | None:
        """Return the earlier session's queue if jobs in it have not ended, else None."""
        loaded = self._states.load_queue_state()
        if loaded is None or all(job.state.ended for job in loaded.state.jobs):
            return None
        return loaded.state

    def validate_recovery_data(self, queue_state: QueueState) -> list[ValidationError]:
        """Look for what cannot be right in a queue state.

        Parameters
        ----------
        queue_state : QueueState

        Returns
        -------
        list of ValidationError
            Empty where all is well.
        """
        errors = []
        counts = Counter(job.id for job in queue_state.jobs)
        for index, job in enumerate(queue_state.jobs):
            if counts[job.id] > 1:
                errors.append(_error(index, "id", job, f"the id {job.id} stands {counts[job.id]} times in the queue"))
            # not Path.exists, which raises an error where a name is too long for any file
            if not job.state.ended and not os.path.exists(job.stl_path):  # noqa: PTH110
                errors.append(_error(index, "stl_path", job, f"{printable(job.stl_path)} does not exist any more"))
            if not 0 <= job.progress <= 100:
                errors.append(_error(index, "progress", job, f"a progress of {job.progress} is not possible"))
        for index, owner in shared_names(queue_state.jobs).items():
            job, other = queue_state.jobs[index], printable(queue_state.jobs[owner].stl_path)
            errors.append(_error(index, "output_name", job, f"{job.output_name} is the name of {other}'s outputs too"))
        return errors

    def recover_interrupted_jobs(self, queue_state: QueueState) -> RecoveryResult:
        """Bring a queue into a state in which it can go on.

        Jobs that the history has as ended are ended, and ended jobs that it does not have are recorded. The rest of the
        unfinished ones wait as ``paused``, with what was found of their source files; one whose file was moved follows
        it. What they had half done is removed; files in the output folders are whole or not there at all, and those
        that are still as they were made are not made again. A job that was begun as often as it may be and never came
        to an end waits behind the others, so that whatever it did to the program stops only itself.

        Parameters
        ----------
        queue_state : QueueState

        Returns
        -------
        RecoveryResult

        Raises
        ------
        HistoryError
            The history cannot be read or written; nothing was changed.
        """
        self._search = SourceSearch()
        errors = tuple(self.validate_recovery_data(queue_state))
        queue_state = replace(queue_state, jobs=_with_own_ids(queue_state.jobs))
        damage: list[HistoryError] = []
        recorded = self._history.find_jobs([job.id for job in queue_state.jobs if not job.state.ended], damage=damage)
        reports = self._record_missing(queue_state, damage)
        self._clear_cache_of_ended(queue_state)
        limit = queue_state.queue_settings.max_retry_attempts
        jobs: list[QueueJob] = []
        last: list[QueueJob] = []
        removed = [part for folder in _shared_folders(queue_state) for part in remove_abandoned_parts(folder)]
        for job in queue_state.jobs:
            if job.state.ended:
                jobs.append(job)
                continue
            progress = load_processing_state(self._cache.job_folder(job.id))
            if progress is not None or job.state.running:
                removed += remove_partial_outputs(job.output_folder, job.output_base_folder)
            after, report = self._recover(job, progress, recorded.get(job.id))
            (last if not after.state.ended and after.attempts > limit else jobs).append(after)
            reports.append(report)
        return RecoveryResult(
            state=replace(queue_state, jobs=(*jobs, *last)),
            jobs=tuple(reports),
            errors=errors,
            notes=tuple(dict.fromkeys(map(str, damage))),
            removed=tuple(removed),
        )

    def _clear_cache_of_ended(self, state: QueueState) -> None:
        cached = self._cache.job_ids()
        for job in state.jobs:
            if job.state.ended and job.id in cached:
                self._cache.cleanup_job_cache(job.id)

    def _record_missing(self, state: QueueState, damage: list[HistoryError]) -> list[RecoveredJob]:
        ended = [job for job in state.jobs if job.state.ended]
        known = self._history.known_ids([job.id for job in ended], damage=damage)
        # what may stand in an archive that cannot be read now is not missing, or it would be recorded twice
        missing = [job for job in ended if job.id not in known] if not damage else []
        if missing and (cleaned_before := self._history.cleaned_before()) is not None:
            missing = [job for job in missing if job.created_at >= cleaned_before]
        ends = (_end_of(job, state) for job in missing)
        self._history.record_job_completions(ends, session_id=state.queue_session_id)
        return [
            RecoveredJob(
                job_id=job.id,
                stl_path=job.stl_path,
                found=f"{job.state} in the queue, unknown to the history",
                done="was recorded in the history",
                state=job.state,
            )
            for job in missing
        ]

    def _recover(
        self, job: QueueJob, progress: ProcessingState | None, ended: JobHistoryRecord | None
    ) -> tuple[QueueJob, RecoveredJob]:
        found, attempts = job.state.value, job.attempts
        if progress is not None:
            attempts = max(attempts, progress.attempt)
            found = f"interrupted after stage {progress.stage}" if progress.stage else "interrupted"
        if ended is not None:
            self._cache.cleanup_job_cache(job.id)
            after = replace(_as_recorded(job, ended), attempts=attempts)
            done = f"had ended as {ended.state}, as the history knows"
            return after, _report(job, found, done, after.state, SourceState.PRESENT)
        self._cache.trim_job_cache(job.id, keep=FILE_NAME)
        source = self._check_source(job, progress)
        stl_path = source.path if source.state is SourceState.MOVED else job.stl_path
        after = replace(
            job,
            state=JobState.PAUSED,
            stl_path=stl_path,
            stage=None,
            attempts=attempts,
            progress=0.0,
            started_at=None,
        )
        done = "waits to be resumed" if source.state is SourceState.PRESENT else f"{source}; waits to be resumed"
        kept = sum(output.is_whole() for output in progress.outputs) if progress is not None else 0
        if kept and source.state in (SourceState.PRESENT, SourceState.MOVED):
            done += f", {kept} finished files are kept"
        return after, _report(job, found, done, after.state, source.state)

    def _check_source(self, job: QueueJob, progress: ProcessingState | None) -> SourceCheck:
        checksum = progress.stl_checksum if progress is not None else None
        is_gone = not os.path.exists(job.stl_path)  # noqa: PTH110 - as above
        if checksum is None and is_gone:
            checksum = self._history.last_checksum(job.stl_path)
        size_bytes = self._history.size_of_content(checksum) if checksum is not None and is_gone else None
        return check_source(job.stl_path, checksum, self._search, size_bytes=size_bytes)


def shared_names(jobs: Sequence[QueueJob]) -> dict[int, int]:
    """Find unfinished jobs whose outputs would be written over those of another model.

    Parameters
    ----------
    jobs : sequence of QueueJob

    Returns
    -------
    dict of int to int
        The place of each such job in `jobs`, and of the job whose name it has: of one that has ended and whose source
        file is still there, or else of the first.
    """
    by_name: dict[tuple[Path, str], list[int]] = {}
    for index, job in enumerate(jobs):
        if job.output_name:
            by_name.setdefault((job.output_base_folder, name_key(job.output_name)), []).append(index)
    shared = {}
    for indexes in (each for each in by_name.values() if len(each) > 1):
        claims = [index for index in indexes if not jobs[index].state.ended or os.path.lexists(jobs[index].stl_path)]
        owner = min(claims, key=lambda index: not jobs[index].state.ended, default=0)
        for index in claims:
            if not jobs[index].state.ended and jobs[index].stl_path != jobs[owner].stl_path:
                shared[index] = owner
    return shared


def _with_own_ids(jobs: tuple[QueueJob, ...]) -> tuple[QueueJob, ...]:
    """Drop jobs that stand there twice; a different job under an id that is taken gets one of its own."""
    by_id: dict[str, QueueJob] = {}
    for job in jobs:
        first = by_id.setdefault(job.id, job)
        if first.stl_path != job.stl_path:
            own = replace(job, id=new_job_id())
            by_id[own.id] = own
        elif job.state.ended and not first.state.ended:  # what was reported done stays done
            by_id[job.id] = job
    return tuple(by_id.values())


def _shared_folders(state: QueueState) -> list[Path]:
    bases = dict.fromkeys(job.output_base_folder for job in state.jobs)
    # not Path.is_symlink, which raises an error where a drive does not answer
    failed = (base / "failed" for base in bases)
    return [*bases, *(folder for folder in failed if not os.path.islink(folder))]  # noqa: PTH114


def _end_of(job: QueueJob, state: QueueState) -> JobEnd:
    try:
        return JobEnd(
            job=job,
            render=state.global_render_options.merged(job.render_options),
            validation=state.global_validation_options.merged(job.validation_options),
            output=state.global_output_settings.merged(job.output_settings),
        )
    except OptionError:
        return JobEnd(job=job)


def _report(job: QueueJob, found: str, done: str, state: JobState, source: SourceState) -> RecoveredJob:
    return RecoveredJob(job_id=job.id, stl_path=job.stl_path, found=found, done=done, state=state, source=source)


def _as_recorded(job: QueueJob, record: JobHistoryRecord) -> QueueJob:
    results = JobResults(
        validation_passed=record.validation_passed,
        files_generated=tuple(Path(path) for path in record.files_generated),
        errors=(record.error_message,) if record.error_message else (),
        warnings=record.warnings,
        stl_size=record.stl_size,
        stl_checksum=record.stl_checksum or None,
    )
    return replace(
        job,
        state=JobState(record.state),
        stage=None,
        progress=100.0,
        started_at=record.started_at,
        completed_at=record.completed_at,
        actual_duration=record.actual_duration,
        error_message=record.error_message,
        results=results,
    )


def _error(index: int, name: str, job: QueueJob, message: str) -> ValidationError:
    return ValidationError(field=f"jobs[{index}].{name}", message=message, job_id=job.id)
