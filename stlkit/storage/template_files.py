"""One template, one JSON file: what it is called, and how it is read."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stlkit.errors import TemplateError
from stlkit.files import is_device_name, name_key, read_json
from stlkit.model.encoding import explain
from stlkit.model.templates import BUILT_IN_TEMPLATES, LONGEST_NAME, TEMPLATE_VERSION, QueueTemplate
from stlkit.storage.migration import StateMigration, is_newer_major, shown_version, version_of

LARGEST_BYTES = 1 << 20
_MOST_STEM_BYTES = 120
_DIGEST_DIGITS = 8


class NewerTemplate(ValueError):  # noqa: N818 - says what the document is; it becomes a TemplateError
    """A template's document is of a newer major version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """A template and where it is kept.

    Parameters
    ----------
    template : QueueTemplate
    path : Path
    is_built_in : bool
        Whether it came with stlkit; deleting it brings its original back.
    is_original : bool
        Whether it is built in and nobody has edited it.
    """

    template: QueueTemplate
    path: Path
    is_built_in: bool
    is_original: bool


def title_key(name: str) -> str:
    """Return what two names of one template share: case, composition and outer spaces are ignored."""
    return name_key(name.strip())


def check_name(name: str) -> None:
    """Refuse what cannot be a template's name: nothing at all, a book, or what a built-in template's file is called.

    Raises
    ------
    TemplateError
    """
    if not name.strip():
        raise TemplateError("a template needs a name", name=name, field="name")
    if len(name) > LONGEST_NAME:
        raise TemplateError(
            f"a template's name has at most {LONGEST_NAME} letters, not {len(name)}", name=name, field="name"
        )
    if (built_in := BUILT_IN_TEMPLATES.get(title_key(name))) is not None:
        raise TemplateError(
            f"{name.strip()!r} stands for the built-in template {built_in.name!r}, whose file is called so; "
            "choose another name",
            name=name,
            field="name",
        )


def file_stems(name: str) -> tuple[str, ...]:
    """Return what a template's file may be called without ``.json``, best first.

    A file's name keeps letters, digits, ``_`` and ``-``. Names that differ only in what is dropped, or far out, share
    the first, readable one; the last one ends in a digest of the whole name and belongs to it alone.

    Parameters
    ----------
    name : str
        As typed; any text.

    Returns
    -------
    tuple of str
        One or two; each can stand in a path on every usual file system.
    """
    stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", title_key(name))).strip("_-")
    stem = stem.encode()[:_MOST_STEM_BYTES].decode(errors="ignore").rstrip("_-")
    digest = hashlib.sha256(title_key(name).encode(errors="surrogatepass")).hexdigest()[:_DIGEST_DIGITS]
    unique = f"{stem or 'template'}-{digest}"
    built_in = BUILT_IN_TEMPLATES.get(stem)
    is_taken = built_in is not None and title_key(built_in.name) != title_key(name)
    return (unique,) if not stem or is_taken or is_device_name(stem) else (stem, unique)


def read_template(path: Path) -> QueueTemplate:
    """Read a template's file, of this version or an older one.

    Raises
    ------
    TemplateError
        It is missing, damaged, or of a newer major version; the field is named.
    """
    try:
        return decode_template(read_json(path, limit_bytes=LARGEST_BYTES))
    except (OSError, ValueError) as error:
        text, field = what_is_wrong(error) if isinstance(error, ValueError) else (str(error), None)
        remedy = "" if isinstance(error, NewerTemplate) else "; mend or delete it"
        raise TemplateError(
            f"the template file {path} cannot be used: {f'{field}: ' if field else ''}{text}{remedy}",
            name=path.stem,
            field=field,
        ) from error


def what_is_wrong(error: ValueError) -> tuple[str, str | None]:
    """Say why what was read is no template, and in which field, as `stlkit.model.encoding.explain`."""
    if isinstance(error, UnicodeDecodeError) or (isinstance(error, json.JSONDecodeError) and error.pos == 0):
        return "it is no template file of stlkit", None  # not even the beginning of one
    return explain(error)


def stored_template(path: Path, template: QueueTemplate) -> StoredTemplate:
    """Say what is known of a template in its file."""
    original = BUILT_IN_TEMPLATES.get(path.stem)
    return StoredTemplate(
        template=template, path=path, is_built_in=original is not None, is_original=template == original
    )


def decode_template(document: Any) -> QueueTemplate:
    """Build a template from the JSON values of its file.

    Parameters
    ----------
    document : Any
        Of this version or an older one.

    Returns
    -------
    QueueTemplate

    Raises
    ------
    ValueError
        It is none, or, as a `NewerTemplate`, of a newer major version; `what_is_wrong` says which field.
    """
    if not isinstance(document, dict):
        raise ValueError("it does not hold a template")  # noqa: TRY004 - wrong data, not a wrong call
    version = version_of(document)
    if is_newer_major(version, TEMPLATE_VERSION):
        raise NewerTemplate(
            f"version {shown_version(version)} is unknown here, perhaps of a newer stlkit; update stlkit"
        )
    return QueueTemplate.from_dict(StateMigration().migrate_template(document, version))
