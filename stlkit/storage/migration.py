"""From older file formats to today's, in ordered steps with names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stlkit.files import LARGEST_JSON_BYTES, make_folder, read_regular_file, write_atomically
from stlkit.model.jobs import STATE_VERSION
from stlkit.model.templates import TEMPLATE_GROUPS, TEMPLATE_VERSION
from stlkit.model.times import utc_now

Document = dict[str, Any]

CONFIG_VERSION = "1.0"
UNVERSIONED = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One move from a version to the next."""

    name: str
    from_version: str
    to_version: str
    apply: Callable[[Document], Document]


_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")


def version_of(document: Mapping[str, Any]) -> str:
    """Return the version that a document names; of one that names none, or nothing under that name, `UNVERSIONED`."""
    version = document.get("version")
    return UNVERSIONED if version is None or version == "" else str(version)


def shown_version(version: str) -> str:
    """Return a version for a message, whatever text stands in its place."""
    return re.sub(r"[^\w.+-]", "?", version)[:40]


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def is_older(version: str, current: str) -> bool:
    """Say whether `version` has to be migrated to reach `current`."""
    return bool(_VERSION.fullmatch(version)) and _version_key(version) < _version_key(current)


def is_newer_major(version: str, current: str) -> bool:
    """Say whether `version` is of a major line that this program does not know, as any text is that is no version."""
    return not _VERSION.fullmatch(version) or _version_key(version)[0] > _version_key(current)[0]


def _state_1_0(old: Document) -> Document:
    """Bring a state from before the version field to 1.0.

    Such files named the job's file ``path`` and its folder ``output``, and knew only whether a job was done.
    """
    jobs = []
    for old_job in old.get("jobs", []):
        job = dict(old_job)
        if "stl_path" not in job and "path" in job:
            job["stl_path"] = job.pop("path")
        if "output_folder" not in job:
            job["output_folder"] = job.pop("output", old.get("queue_settings", {}).get("output_base_folder", ""))
        if "done" in job:
            job.setdefault("state", "completed" if job.pop("done") else "pending")
        jobs.append(job)
    return {**old, "jobs": jobs}


def _config_1_0(old: Document) -> Document:
    """Sort the flat, unversioned preferences into groups; what has no group is kept as it is."""
    new = _grouped(old)
    if isinstance(old.get("background_image"), str):
        new.setdefault("last_background_image", old["background_image"])
    return new


def _template_1_0(old: Document) -> Document:
    """Sort the flat options of an unversioned template into groups."""
    return _grouped(old)


def _grouped(old: Document) -> Document:
    groups: dict[str, dict[str, Any]] = {}
    rest = dict(old)
    for group, kind in TEMPLATE_GROUPS.items():
        flat = {name: rest.pop(name) for name in kind.names() if name in rest}
        given = rest.pop(group, {})
        groups[group] = {**flat, **given} if isinstance(given, dict) else given
    return {**rest, **groups}


STATE_STEPS = (Step(name="versioned", from_version=UNVERSIONED, to_version="1.0", apply=_state_1_0),)
CONFIG_STEPS = (Step(name="grouped", from_version=UNVERSIONED, to_version="1.0", apply=_config_1_0),)
TEMPLATE_STEPS = (Step(name="grouped", from_version=UNVERSIONED, to_version="1.0", apply=_template_1_0),)


class StateMigration:
    """Moves documents to today's format; what it is given is never changed. Stateless, hence thread-safe."""

    def migrate_queue_state(self, old_state: Mapping[str, Any], from_version: str) -> Document:
        """Return a queue state in today's format.

        Parameters
        ----------
        old_state : mapping
            The document as it was read.
        from_version : str
            Its version; ``"0"`` for one that names none.

        Returns
        -------
        dict

        Raises
        ------
        ValueError
            `from_version` is no version, or the document none of that version.
        """
        return _run(STATE_STEPS, old_state, from_version, STATE_VERSION)

    def migrate_user_config(self, old_config: Mapping[str, Any], from_version: str) -> Document:
        """Return user preferences in today's format; parameters as in `migrate_queue_state`."""
        return _run(CONFIG_STEPS, old_config, from_version, CONFIG_VERSION)

    def migrate_template(self, old_template: Mapping[str, Any], from_version: str) -> Document:
        """Return a template in today's format; parameters as in `migrate_queue_state`."""
        return _run(TEMPLATE_STEPS, old_template, from_version, TEMPLATE_VERSION)


def keep_before_migration(path: Path, version: str, folder: Path) -> Path:
    """Keep a file of an older version before it is replaced by one of today's.

    Parameters
    ----------
    path : Path
        The file as it is.
    version : str
        Its version.
    folder : Path
        Where it is kept, under a name that tells the version and the time.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    OSError
        It cannot be kept; then nothing may be replaced.
    """
    make_folder(folder, mode=0o700)
    safe = re.sub(r"[^\w.-]+", "-", version)[:20]
    copy = folder / f"{path.stem}_before-migration-from-{safe}_{utc_now():%Y%m%dT%H%M%S%f}{path.suffix}"
    write_atomically(copy, read_regular_file(path, limit_bytes=LARGEST_JSON_BYTES), mode=0o600)
    return copy


def _run(steps: tuple[Step, ...], document: Mapping[str, Any], version: str, current: str) -> Document:
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r:.60} is no version, such as {current!r}; a file without one has {UNVERSIONED!r}")
    result = dict(document)
    for step in steps:
        if is_older(version, step.to_version):
            try:
                result = step.apply(result)
            except (TypeError, AttributeError) as error:  # lists where objects belong, and the like
                raise ValueError(f"this is no document of version {version}: {error}") from error
            version = step.to_version
    return {**result, "version": max(version, current, key=_version_key)}
