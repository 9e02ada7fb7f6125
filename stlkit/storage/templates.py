"""Queue settings under a name, one JSON file each."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from stlkit.errors import TemplateError
from stlkit.files import encode_json, make_folder, read_json, write_atomically
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.templates import BUILT_IN_TEMPLATES, QueueTemplate
from stlkit.storage.migration import (
    TEMPLATE_VERSION,
    UNVERSIONED,
    StateMigration,
    is_newer_major,
    is_older,
    keep_before_migration,
)

_log = logging.getLogger(__name__)

LARGEST_BYTES = 1 << 20


class TemplateManager:
    """The templates of one home folder; the built-in ones are written there when it is opened.

    Thread-safe: nothing is kept in memory, and files appear whole.

    Parameters
    ----------
    folder : Path
        ``templates/`` of the home folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install_built_in(self) -> None:
        """Write the built-in templates that are missing; edited ones are left alone."""
        make_folder(self.folder, mode=0o700)
        for stem, template in BUILT_IN_TEMPLATES.items():
            path = self.folder / f"{stem}.json"
            if not path.exists():
                self._write(path, template)

    def save_template(self, template: QueueTemplate) -> Path:
        """Save a template under its name; one of the same name is replaced.

        Parameters
        ----------
        template : QueueTemplate

        Returns
        -------
        Path
            The file.

        Raises
        ------
        TemplateError
            The name is empty, or differs from another template's only in letters that file names drop.
        """
        stem = _stem(template.name)
        path = self.folder / f"{stem}.json"
        if path.exists() and self._read(path).name.casefold() != template.name.casefold():
            raise TemplateError(
                f"template {template.name!r} would overwrite {self._read(path).name!r}; choose another name",
                name=template.name,
            )
        make_folder(self.folder, mode=0o700)
        if path.exists() and is_older(version := _version_of(path), TEMPLATE_VERSION):
            keep_before_migration(path, version, self.folder.parent / "backups")
        self._write(path, template)
        return path

    def load_template(self, name: str) -> QueueTemplate:
        """Load a template by its title, or by its file's name without ``.json``.

        Parameters
        ----------
        name : str
            For example ``Quick Preview`` or ``quick_preview``; upper and lower case are the same.

        Returns
        -------
        QueueTemplate

        Raises
        ------
        TemplateError
            There is none of that name, or its file is damaged.
        """
        for path in self._files():
            if path.stem.casefold() == name.strip().casefold():
                return self._read(path)
        for template in self._readable():
            if template.name.casefold() == name.strip().casefold():
                return template
        known = ", ".join(path.stem for path in self._files())
        raise TemplateError(f"there is no template {name!r}; there are: {known}", name=name)

    def list_templates(self) -> list[str]:
        """Return the titles of all templates that can be read, sorted."""
        return sorted(template.name for template in self._readable())

    def problems(self) -> list[str]:
        """Return what is wrong with template files that cannot be read, one sentence a file."""
        found = []
        for path in self._files():
            try:
                self._read(path)
            except TemplateError as error:
                found.append(str(error))
        return found

    def _readable(self) -> Iterator[QueueTemplate]:
        for path in self._files():
            try:
                yield self._read(path)
            except TemplateError as error:  # one damaged file must not hide the others
                _log.warning("%s", error)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))

    def _write(self, path: Path, template: QueueTemplate) -> None:
        document = {"version": TEMPLATE_VERSION, **to_plain(template)}
        write_atomically(path, encode_json(document), mode=0o600)

    def _read(self, path: Path) -> QueueTemplate:
        try:
            data = read_json(path, limit_bytes=LARGEST_BYTES)
            version = str(data.get("version", UNVERSIONED))
            if is_newer_major(version, TEMPLATE_VERSION):
                raise ValueError(f"version {version[:40]} is of a newer stlkit")
            return from_plain(QueueTemplate, StateMigration().migrate_template(data, version))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise TemplateError(
                f"the template file {path} cannot be used: {error}; mend or delete it", name=path.stem
            ) from error


def _version_of(path: Path) -> str:
    return str(read_json(path, limit_bytes=LARGEST_BYTES).get("version", UNVERSIONED))


def _stem(name: str) -> str:
    # NFC first: the same name typed on two systems is one template
    stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", name).strip().lower()).strip("_")[:80]
    if not stem:
        raise TemplateError(f"{name!r} cannot be a template's name; use at least one letter or digit", name=name)
    return stem
