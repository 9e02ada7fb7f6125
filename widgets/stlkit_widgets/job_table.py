"""Any number of jobs in one table."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import traitlets

from stlkit.model.jobs import QueueJob, QueueState
from stlkit.model.times import utc_now
from stlkit.storage.cache import TempFileManager
from stlkit_widgets.background import Background
from stlkit_widgets.feed import News
from stlkit_widgets.page_part import Content, PagePart
from stlkit_widgets.pictures import reduced_picture
from stlkit_widgets.rows import encode_rows, row_of

THUMBNAIL_PX = 96
MOST_THUMBNAILS = 100  # in one answer

Act = Callable[[str, tuple[str, ...], str | None], None]


class JobTable(PagePart, page="job_table"):
    """All jobs of a queue, of which the browser draws those in sight.

    A view asks for everything when it opens; from then on only what changes is sent.

    Parameters
    ----------
    state : callable
        Returns the queue as it is now.
    cache : TempFileManager
        Where thumbnails are kept.
    act : callable
        Called with the name of an action, the ids it is for, and for ``place`` the id of the job that they are to stand
        before; must return at once.
    select : callable
        Called with the ids that are selected, the one that was chosen last in front.
    background : Background
    read_only : bool
        Whether the queue belongs to somebody else.
    view_layout : dict
        Height, sort order and hidden columns, as `on_layout` was told earlier.
    on_layout : callable
        Called with the new one when a person changes it.
    """

    read_only = traitlets.Bool().tag(sync=True)
    view_layout = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        state: Callable[[], QueueState],
        cache: TempFileManager,
        background: Background,
        *,
        act: Act,
        select: Callable[[tuple[str, ...]], None],
        on_layout: Callable[[dict[str, Any]], None],
        **traits: Any,
    ) -> None:
        super().__init__(background, **traits)
        self._state = state
        self._cache = cache
        self._sizes: dict[str, int | None] = {}
        self.hear("hello", lambda _: self.show_everything())
        self.hear("act", lambda said: act(_text(said["action"]), _ids(said["ids"]), said.get("before")))
        self.hear("select", lambda said: select(_ids(said["ids"])))
        self.hear("layout", lambda said: on_layout(dict(said["layout"])))
        self.answer("thumbnails", self._thumbnails)

    def show_everything(self) -> None:
        """Send all jobs to every view."""
        jobs = self._state().jobs
        self._tell_rows(jobs, [job.id for job in jobs], whole=True)

    def show(self, news: News) -> None:
        """Send what is new."""
        jobs = news.state.jobs
        changed = [job for job in jobs if job.id in news.changed] if news.changed else []
        if changed or news.reordered:
            self._tell_rows(changed, [job.id for job in jobs] if news.reordered else None, whole=False)

    def reveal(self, job_ids: Sequence[str]) -> None:
        """Select jobs in every view, and bring the first into sight."""
        self.tell("reveal", {"ids": list(job_ids)})

    def _tell_rows(self, jobs: Sequence[QueueJob], order: list[str] | None, *, whole: bool) -> None:
        now = utc_now()
        rows = [row_of(job, self._sizes.get(job.id), now) for job in jobs]
        self.tell("rows", {}, encode_rows(rows, order, whole=whole))
        unknown = [job for job in jobs if job.results.stl_size is None and job.id not in self._sizes]
        if unknown:
            self._background.do(lambda: self._look_up_sizes(unknown))

    def _look_up_sizes(self, jobs: Sequence[QueueJob]) -> None:
        found = {job.id: _size_bytes(job.stl_path) for job in jobs}
        self._sizes.update(found)
        sizes = {job_id: size for job_id, size in found.items() if size is not None}
        if sizes:
            self.tell("sizes", {"sizes": sizes})

    def _thumbnails(self, asked: Content, _: tuple[bytes, ...]) -> tuple[Content, tuple[bytes, ...]]:
        wanted = set(_ids(asked["ids"])[:MOST_THUMBNAILS])
        pictures = {job.id: self._thumbnail(job) for job in self._state().jobs if job.id in wanted}
        found = {job_id: picture for job_id, picture in pictures.items() if picture is not None}
        return {"ids": list(found)}, tuple(found.values())

    def _thumbnail(self, job: QueueJob) -> bytes | None:
        checksum = job.results.stl_checksum or ""
        kept = self._cache.load_thumbnail(checksum)
        if kept is not None:
            return kept
        source = next((path for path in job.results.files_generated if path.suffix == ".png"), None)
        made = None if source is None else reduced_picture(source, THUMBNAIL_PX)
        if made is not None:
            with contextlib.suppress(OSError, ValueError):  # it can be made again
                self._cache.save_thumbnail(checksum, made)
        return made


def _size_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
