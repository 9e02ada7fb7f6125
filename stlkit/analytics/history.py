"""The history as pandas tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from stlkit.errors import HistoryError
from stlkit.storage.history import JobFilter, JobHistoryManager
from stlkit.storage.history.selection import condition_of
from stlkit.storage.history.similar import ModelTraits
from stlkit.storage.history.streaming import Row, RowQuery, stream, unordered

if TYPE_CHECKING:
    import pandas as pd

    from stlkit.analytics.frames import Columns

CHUNK_ROWS = 8000
"""Rows taken from the database at a time: enough that pandas is seldom called, few enough for a processor's cache."""


class History(JobHistoryManager):
    """The history database, with its rows as pandas tables. Thread-safe."""

    def to_dataframe(
        self,
        *,
        limit: int | None = None,
        include_archived: bool = False,
        unpack_options: bool = False,
        unpack_stages: bool = False,
        **wanted: Unpack[JobFilter],
    ) -> pd.DataFrame:
        """Return jobs as a table, oldest first.

        Parameters
        ----------
        limit : int, optional
            Only the newest so many.
        include_archived : bool
            Whether archives are read too.
        unpack_options : bool
            Add a column for each option: ``render_material``, ``validation_level``, ``output_organization`` and so on,
            typed as the option is.
        unpack_stages : bool
            Add the seconds each stage took: ``stage_image_s`` and so on.
        **wanted : JobFilter
            Which jobs: ``since``, ``until``, ``state``, ``path`` (a pattern), ``checksum``, ``session``, ``options``.

        Returns
        -------
        pandas.DataFrame
            One row a job, with the columns of the documented table and the facts beside it. Times are
            ``datetime64[ns, UTC]`` (``NaT`` where they are too far away for that); states, sessions and their like
            are categories; ``validation_passed`` is a nullable boolean; ``faces``, ``output_bytes``,
            ``peak_memory_bytes``, ``attempts`` and ``concurrency`` are nullable integers; other sizes and durations
            are plain numbers. Options are dictionaries, which rows with equal options share; files and warnings are
            tuples.

        Raises
        ------
        HistoryError
            A row holds what no stlkit wrote.
        OptionError
            A name or a value in `wanted` means nothing.

        Examples
        --------
        >>> frame = ws.history.to_dataframe(state="completed", options={"material": "wood"})  # doctest: +SKIP
        """
        columns = self._columns(options=unpack_options, stages=unpack_stages)
        condition, parameters = condition_of(wanted)
        query = RowQuery(
            columns=columns.names,
            condition=condition,
            parameters=parameters,
            limit=-1 if limit is None else max(limit, 0),
        )
        databases = self._databases(include_archived=include_archived)
        take = unordered if limit is None else stream
        return _oldest_first(self._frame(columns, take(databases, query, CHUNK_ROWS)))

    def iter_dataframes(
        self,
        *,
        chunk_rows: int = 50_000,
        include_archived: bool = False,
        unpack_options: bool = False,
        unpack_stages: bool = False,
        **wanted: Unpack[JobFilter],
    ) -> Iterator[pd.DataFrame]:
        """Give jobs as tables of bounded size, oldest first, so that any number of them fits into memory.

        All tables show the history as it was when the first one was asked for. Their indexes go on from one to the
        next. Parameters as in `to_dataframe`.

        Parameters
        ----------
        chunk_rows : int
            Rows of a table, except for the last one.
        include_archived, unpack_options, unpack_stages : bool
        **wanted : JobFilter

        Yields
        ------
        pandas.DataFrame
        """
        columns = self._columns(options=unpack_options, stages=unpack_stages)
        condition, parameters = condition_of(wanted)
        query = RowQuery(columns=columns.names, condition=condition, parameters=parameters, newest_first=False)
        first = 0
        for rows in self._stream(query, include_archived=include_archived, chunk_rows=chunk_rows):
            yield self._frame(columns, [rows], first)
            first += len(rows)

    def _columns(self, *, options: bool, stages: bool) -> Columns:
        from stlkit.analytics.frames import Columns  # noqa: PLC0415 - pandas takes half a second that only tables need

        return Columns(options=options, stages=stages)

    def _frame(self, columns: Columns, chunks: Iterable[list[Row]], first: int = 0) -> pd.DataFrame:
        try:
            return columns.frame(chunks, first)
        except ValueError as error:
            raise HistoryError(
                f"the history {self.path} holds a row that no stlkit wrote: {error}. Remove that row, or move the "
                "file away to start a new history.",
                path=self.path,
            ) from error

    def _traits_of(self, stl_path: Path, include_archived: bool) -> ModelTraits:
        """Read the geometry from the file itself where the history does not know it yet."""
        traits = super()._traits_of(stl_path, include_archived)
        if traits.geometry_hash is not None:
            return traits
        from stlkit.mesh.fingerprint import fingerprint  # noqa: PLC0415 - loads scipy
        from stlkit.mesh.intake import read_stl  # noqa: PLC0415

        found = None
        with contextlib.suppress(OSError):  # not now; path and bytes may still be known
            found = fingerprint(read_stl(Path(stl_path).absolute()).triangles)
        return traits if found is None else replace(traits, geometry_hash=found.digest, geometry_size_mm=found.size_mm)


def _oldest_first(frame: pd.DataFrame) -> pd.DataFrame:
    times = frame["created_at"]
    if times.is_unique and times.notna().all():  # else the id decides, which takes several times as long
        return frame if times.is_monotonic_increasing else frame.sort_values("created_at", ignore_index=True)
    return frame.sort_values(["created_at", "id"], ignore_index=True)
