"""``failed/``: a link to each file that could not be processed, and the reason beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from stlkit.errors import OutputError
from stlkit.files import one_line, printable
from stlkit.model.reports import Finding
from stlkit.model.times import format_utc
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.placing import explained, link_source, links_to, place_text, pointer_of, require_inside
from stlkit.outputs.signature import is_signed, signature


def record_failure(
    layout: OutputLayout, stl_path: Path, message: str, findings: Iterable[Finding] = ()
) -> tuple[Path, ...]:
    """Put a file that could not be processed into ``failed/``.

    Parameters
    ----------
    layout : OutputLayout
        Of the job; its moment is the time in the log.
    stl_path : Path
        Absolute.
    message : str
        Why, for a person.
    findings : iterable of Finding
        What was noticed about the file.

    Returns
    -------
    tuple of Path
        The link (or the text file in its place) and the error log.

    Raises
    ------
    OutputError
        They could not be placed, or a file that stlkit did not make has the log's name.
    """
    log = layout.failed_log
    if log.exists() and not is_signed(log):
        raise OutputError(f"{printable(log)} is in the way of an error log; move it away, then retry the job", path=log)
    link = link_source(layout.failed_link, stl_path, within=layout.base_folder)
    first, *more = message.splitlines() or [""]
    lines = (
        signature(stl_path),
        f"{format_utc(layout.moment)} {one_line(first)}",
        *(f"    {one_line(line)}" for line in more),
        *(f"{finding.severity}: {finding.code}: {one_line(finding.message)}" for finding in findings),
    )
    return link, place_text(log, "\n".join((*lines, "")), within=layout.base_folder)


def clear_failure(layout: OutputLayout, stl_path: Path) -> tuple[Path, ...]:
    """Remove what an earlier, failed run left of a file that succeeded now.

    That is the link and the error log in ``failed/`` and the model's error log, each only where stlkit made it for
    this very file; and ``failed/`` itself when nothing is left in it.

    Parameters
    ----------
    layout : OutputLayout
    stl_path : Path
        Absolute.

    Returns
    -------
    tuple of Path
        What was removed.

    Raises
    ------
    OutputError
        Something of it could not be removed.
    """
    link = layout.failed_link
    candidates = (link, pointer_of(link), layout.failed_log, layout.errors_log)
    removed = []
    for path in candidates:
        if links_to(path, stl_path) or is_signed(path, stl_path):
            with explained(path):
                require_inside(path.parent, layout.base_folder)
                path.unlink()
            removed.append(path)
    with contextlib.suppress(OSError):  # not empty, or never there
        link.parent.rmdir()
    return tuple(removed)
