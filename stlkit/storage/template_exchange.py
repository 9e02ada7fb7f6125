"""Templates in one file, to be passed on.

The file is JSON::

    {
      "kind": "stlkit-templates",
      "version": "1.0",
      "exported_at": "2026-01-15T10:30:00.000000Z",
      "app_version": "0.1.0",
      "templates": [{"version": "1.0", "name": "My Shop", "render_options": {...}, ...}, ...]
    }

Each entry of ``templates`` is what stands in that template's own file, keys that this version does not know included,
and has a version of its own. A template's own file, as in ``templates/``, is read too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from stlkit._version import __version__
from stlkit.errors import TemplateError
from stlkit.files import encode_json, one_line, read_json, write_atomically
from stlkit.model.encoding import explain
from stlkit.model.templates import LONGEST_NAME, TEMPLATE_GROUPS, QueueTemplate
from stlkit.model.times import format_utc, utc_now
from stlkit.model.unknown import unknown_paths
from stlkit.storage.migration import is_newer_major, version_of
from stlkit.storage.template_files import check_name, decode_template, title_key, what_is_wrong

BUNDLE_KIND = "stlkit-templates"
BUNDLE_VERSION = "1.0"
LARGEST_BUNDLE_BYTES = 1 << 24


class Conflict(StrEnum):
    """What is done with an imported template whose name another one has."""

    ERROR = "error"
    """Nothing at all is imported."""
    REPLACE = "replace"
    """It takes the place of the other one."""
    KEEP_BOTH = "keep_both"
    """It gets a new name, such as ``My Shop (2)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of an import; names of templates.

    Parameters
    ----------
    added : tuple of str
    replaced : tuple of str
    renamed : dict of str to str
        From the name in the file to the one it got here.
    unchanged : tuple of str
        Were here already, the same in everything.
    notes : tuple of str
        What a person should know, such as a background image that is not on this machine, or fields that this version
        does not know.
    """

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            *(f"added {name}" for name in self.added),
            *(f"replaced {name}" for name in self.replaced),
            *(f"added {old} as {new}" for old, new in self.renamed.items()),
            *(f"{name} was here already" for name in self.unchanged),
            *self.notes,
        ]
        return "\n".join(map(one_line, lines)) or "nothing to import"


def write_bundle(path: Path, templates: Iterable[QueueTemplate], *, replace_file: bool) -> None:
    """Write templates into one file, whole or not at all.

    Raises
    ------
    TemplateError
        Something has that name already, and `replace_file` is False; or it cannot be written.
    """
    document = {
        "kind": BUNDLE_KIND,
        "version": BUNDLE_VERSION,
        "exported_at": format_utc(utc_now()),
        "app_version": __version__,
        "templates": [template.to_dict() for template in templates],
    }
    if not replace_file and os.path.lexists(path):
        raise TemplateError(f"{path} exists already; choose another name, or say that it may be replaced", name="")
    try:
        write_atomically(path, encode_json(document))
    except OSError as error:
        raise TemplateError(f"the templates cannot be written to {path}: {error.strerror or error}", name="") from error


def read_bundle(path: Path) -> tuple[QueueTemplate, ...]:
    """Read templates from one file, each of this version or an older one.

    Returns
    -------
    tuple of QueueTemplate
        In the order of the file, no two of one name.

    Raises
    ------
    TemplateError
        The file cannot be read, is of a newer major version, or a template in it does not fit; the field is named.
    """
    try:
        templates = tuple(_templates(read_json(path, limit_bytes=LARGEST_BUNDLE_BYTES)))
    except (OSError, ValueError) as error:
        text, where = what_is_wrong(error) if isinstance(error, ValueError) else (error.strerror or str(error), None)
        where_text = f"{where}: " if where else ""
        raise TemplateError(
            f"{path} cannot be imported: {where_text}{text}; nothing was imported", name="", field=where
        ) from error
    seen: set[str] = set()
    for template in templates:
        check_name(template.name)
        if title_key(template.name) in seen:
            raise TemplateError(f"{path} holds two templates of the name {template.name!r}", name=template.name)
        seen.add(title_key(template.name))
    return templates


def _templates(document: Any) -> Iterator[QueueTemplate]:
    if isinstance(document, dict) and "templates" not in document and "name" in document:
        yield decode_template(document)
        return
    if not isinstance(document, dict) or not isinstance(document.get("templates"), list):
        raise ValueError("it does not hold templates")  # noqa: TRY004 - wrong data, not a wrong call
    if is_newer_major(version := version_of(document), BUNDLE_VERSION):
        raise ValueError(f"version {version[:40]} is of a newer stlkit; update stlkit")
    for index, entry in enumerate(document["templates"]):
        try:
            yield decode_template(entry)
        except ValueError as error:
            text, where = explain(error)
            raise ValueError(f"{text} - at `$.templates[{index}]{f'.{where}' if where else ''}`") from error


def plan_import(
    incoming: Iterable[QueueTemplate], present: Iterable[QueueTemplate], on_conflict: Conflict
) -> tuple[tuple[QueueTemplate, ...], Imported]:
    """Decide which templates an import saves, and under which names.

    Parameters
    ----------
    incoming : iterable of QueueTemplate
        No two of one name.
    present : iterable of QueueTemplate
        Those that are here.
    on_conflict : Conflict

    Returns
    -------
    templates : tuple of QueueTemplate
        To be saved.
    imported : Imported
        What can be said once they are.

    Raises
    ------
    TemplateError
        Names are taken, and `on_conflict` is ``error``.
    """
    incoming, here = tuple(incoming), {title_key(template.name): template for template in present}
    same = [t for t in incoming if title_key(t.name) in here and _content(t) == _content(here[title_key(t.name)])]
    taken = [t for t in incoming if title_key(t.name) in here and t not in same]
    new = [t for t in incoming if title_key(t.name) not in here]
    if taken and on_conflict is Conflict.ERROR:
        names = ", ".join(repr(template.name) for template in taken)
        raise TemplateError(
            f"there are other templates of the names {names} already; nothing was imported. Choose what is done "
            "with such names: on_conflict 'replace' or 'keep_both' (on the command line --on-conflict).",
            name=taken[0].name,
        )
    renamed: dict[str, str] = {}
    if on_conflict is Conflict.KEEP_BOTH:
        names_taken = set(here) | {title_key(template.name) for template in incoming}
        for template in taken:
            renamed[template.name] = free_name(template.name, names_taken)
            names_taken.add(title_key(renamed[template.name]))
    saved = [*new, *(replace(template, name=renamed.get(template.name, template.name)) for template in taken)]
    return tuple(saved), Imported(
        added=tuple(template.name for template in new),
        replaced=tuple(template.name for template in taken) if on_conflict is Conflict.REPLACE else (),
        renamed=renamed,
        unchanged=tuple(template.name for template in same),
        notes=tuple(_notes(saved)),
    )


def free_name(name: str, taken: set[str]) -> str:
    """Return the first of ``name (2)``, ``name (3)`` … that is not taken; `taken` holds what `title_key` returns."""
    number = 2
    while title_key(found := f"{name.strip()[: LONGEST_NAME - 8]} ({number})") in taken:
        number += 1
    return found


def _content(template: QueueTemplate) -> Mapping[str, Any]:
    """Return everything but who made it, and when."""
    return {key: value for key, value in template.to_dict().items() if key not in ("created_at", "created_by")}


def _notes(templates: Iterable[QueueTemplate]) -> Iterator[str]:
    for template in templates:
        picture = template.render_options.background_image
        if picture is not None and not os.path.isfile(picture):  # noqa: PTH113 - any text may stand there
            yield f"the background image of {template.name}, {picture}, is not on this machine"
        if unknown := ", ".join(unknown_paths(template.unknown, TEMPLATE_GROUPS)):
            yield f"not understood in {template.name}, kept but without effect: {unknown}"
