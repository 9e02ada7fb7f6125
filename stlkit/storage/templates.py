"""Queue settings under a name, one JSON file each."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from stlkit.errors import OptionError, TemplateError
from stlkit.files import encode_json, make_folder, name_key, one_line, read_json, write_atomically
from stlkit.model.templates import BUILT_IN_TEMPLATES, TEMPLATE_VERSION, QueueTemplate
from stlkit.model.times import utc_now
from stlkit.storage.migration import is_older, keep_before_migration, version_of
from stlkit.storage.template_exchange import Conflict, Imported, free_name, plan_import, read_bundle, write_bundle
from stlkit.storage.template_files import (
    LARGEST_BYTES,
    StoredTemplate,
    check_name,
    file_stems,
    read_template,
    stored_template,
    title_key,
)

_log = logging.getLogger(__name__)


class TemplateManager:
    """The templates of one home folder; opening a `Workspace` writes the built-in ones there, by `install_built_in`.

    Built-in templates may be edited like any other; deleting one, or `reset_templates`, brings its original back.
    Names are shown as they were typed, and stored under file names that every disk can hold.

    Thread-safe: nothing is kept in memory, and files appear whole. Safe with other processes too; of two that save
    under one name at the same moment, the later one wins.

    Parameters
    ----------
    folder : path
        ``templates/`` of the home folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._lock = threading.RLock()

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
            The name is empty, far too long, or what a built-in template's file is called; or the file that would be
            replaced cannot be read: it may hold another template.
        """
        with self._lock:
            path = self._place_for(template.name)
            make_folder(self.folder, mode=0o700)
            if path.exists():
                self._keep_older(path)
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
        return self.find_template(name).template

    def find_template(self, name: str) -> StoredTemplate:
        """Load a template together with where it is kept; otherwise as `load_template`."""
        path = self._find(name)
        return stored_template(path, read_template(path))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._lookup(name) is not None

    def list_templates(self) -> list[str]:
        """Return the titles of all templates that can be read, sorted."""
        for problem in self.problems():  # one damaged file must not hide the others
            _log.warning("%s", one_line(problem))
        return [stored.template.name for stored in self.stored_templates()]

    def stored_templates(self) -> tuple[StoredTemplate, ...]:
        """Return all templates that can be read, sorted by title."""
        found = [stored_template(path, template) for path, template in self._readable()]
        return tuple(sorted(found, key=lambda stored: stored.template.name))

    def problems(self) -> list[str]:
        """Return what is wrong with template files that cannot be read, one sentence a file."""
        found = []
        for path in self._files():
            try:
                read_template(path)
            except TemplateError as error:
                found.append(str(error))
        return found

    # --- changing what is there ---

    def delete_template(self, name: str) -> QueueTemplate | None:
        """Delete a template, even a damaged one; a built-in one is replaced by its original.

        Parameters
        ----------
        name : str
            As for `load_template`.

        Returns
        -------
        QueueTemplate or None
            The original that is there instead; None where nothing is.

        Raises
        ------
        TemplateError
            There is none of that name.
        """
        with self._lock:
            return self._remove(self._find(name))

    def rename_template(self, name: str, new_name: str) -> QueueTemplate:
        """Give a template another name; of a built-in one, the original stays under the old name.

        Parameters
        ----------
        name : str
            As for `load_template`.
        new_name : str
            May differ from the old one in case alone.

        Returns
        -------
        QueueTemplate
            Under its new name.

        Raises
        ------
        TemplateError
            There is none of that name, or the new name is another's or cannot be one.
        """
        with self._lock:
            old = self.find_template(name)
            renamed = replace(old.template, name=new_name)
            if title_key(new_name) == title_key(old.template.name):
                self.save_template(renamed)
                return renamed
            self._require_free(new_name)
            self._keep_older(old.path)
            self.save_template(renamed)
            self._remove(old.path)  # last, so that a crash leaves two of it rather than none
            return renamed

    def duplicate_template(
        self, name: str, new_name: str | None = None, *, created_by: str = "notebook"
    ) -> QueueTemplate:
        """Save a copy of a template under another name.

        Parameters
        ----------
        name : str
            As for `load_template`.
        new_name : str, optional
            ``name (2)``, or the next number that is free, unless given.
        created_by : str
            Who makes the copy.

        Returns
        -------
        QueueTemplate
            The copy.

        Raises
        ------
        TemplateError
            There is none of that name, or the new name is another's or cannot be one.
        """
        with self._lock:
            template = self.load_template(name)
            new_name = new_name or free_name(template.name, {title_key(other) for other in self.list_templates()})
            self._require_free(new_name)
            copy = replace(template, name=new_name, created_at=utc_now(), created_by=created_by)
            self.save_template(copy)
            return copy

    def reset_templates(self, names: Iterable[str] | None = None) -> tuple[str, ...]:
        """Bring the originals of built-in templates back; user templates are not touched.

        Parameters
        ----------
        names : iterable of str, optional
            Titles or file names of built-in templates; all of them unless given.

        Returns
        -------
        tuple of str
            Titles of those that were changed, damaged or missing.

        Raises
        ------
        TemplateError
            A name is none of a built-in template; nothing was changed.
        """
        with self._lock:
            stems = tuple(BUILT_IN_TEMPLATES) if names is None else tuple(_built_in_stem(name) for name in names)
            changed = [stem for stem in stems if not self._is_original(stem)]
            for stem in changed:
                make_folder(self.folder, mode=0o700)
                self._write(self.folder / f"{stem}.json", BUILT_IN_TEMPLATES[stem])
            return tuple(BUILT_IN_TEMPLATES[stem].name for stem in changed)

    # --- passing on ---

    def export_templates(
        self, path: str | os.PathLike[str], names: Iterable[str] | None = None, *, replace_file: bool = False
    ) -> tuple[str, ...]:
        """Write templates into one file; `stlkit.storage.template_exchange` tells its format.

        Parameters
        ----------
        path : path
        names : iterable of str, optional
            As for `load_template`; every template but unedited built-in ones unless given.
        replace_file : bool
            Whether a file of that name may be replaced.

        Returns
        -------
        tuple of str
            Titles of those that were written.

        Raises
        ------
        TemplateError
            There is none of a name, there is nothing to export, or the file exists or cannot be written.
        """
        if names is None:
            chosen = [stored.template for stored in self.stored_templates() if not stored.is_original]
        else:
            loaded = (self.load_template(name) for name in names)
            chosen = list({title_key(template.name): template for template in loaded}.values())
        if not chosen:
            raise TemplateError("there are no templates but the built-in ones; name what is to be exported", name="")
        write_bundle(Path(path).expanduser(), chosen, replace_file=replace_file)
        return tuple(template.name for template in chosen)

    def import_templates(self, path: str | os.PathLike[str], *, on_conflict: Conflict | str = "error") -> Imported:
        """Read templates from one file: one that was exported, or a template's own.

        All of them are checked before the first is saved. Importing one that is here already, the same in everything,
        changes nothing and is no conflict.

        Parameters
        ----------
        path : path
        on_conflict : {"error", "replace", "keep_both"}
            What is done where another template has the name: nothing is imported; the imported one replaces it; the
            imported one gets a new name such as ``My Shop (2)``.

        Returns
        -------
        Imported

        Raises
        ------
        TemplateError
            The file cannot be read, a template in it does not fit, or a name is taken; nothing was imported.
        OptionError
            There is no such way with conflicts.
        """
        try:
            way = Conflict(on_conflict)
        except ValueError:
            choices = ", ".join(Conflict)
            raise OptionError(f"on_conflict: {on_conflict!r}; choose one of {choices}", field="on_conflict") from None
        incoming = read_bundle(Path(path).expanduser())
        with self._lock:
            templates, imported = plan_import(incoming, (template for _, template in self._readable()), way)
            for template in templates:
                self._place_for(template.name)  # raises before anything is written
            for template in templates:
                self.save_template(template)
        return imported

    # --- inside ---

    def _readable(self) -> Iterator[tuple[Path, QueueTemplate]]:
        for path in self._files():
            with contextlib.suppress(TemplateError):  # `problems` tells
                yield path, read_template(path)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))

    def _titled(self, name: str) -> Path | None:
        return next((path for path, found in self._readable() if title_key(found.name) == title_key(name)), None)

    def _find(self, name: str) -> Path:
        found = self._lookup(name)
        if found is None:
            known = ", ".join(path.stem for path in self._files())
            raise TemplateError(f"there is no template {name!r}; there are: {known}", name=name)
        return found

    def _lookup(self, name: str) -> Path | None:
        """Find a template's file: by its title, then by the file's own name, then by the title of a damaged built-in.

        What a built-in template's file is called means that one, whatever title another one came with: a plain
        ``stlkit run`` names it so.
        """
        if (built_in := title_key(name)) in BUILT_IN_TEMPLATES:
            path = self.folder / f"{built_in}.json"
            return path if path.exists() else None
        if (titled := self._titled(name)) is not None:
            return titled
        stems = {title_key(path.stem): path for path in self._files()}
        titles = {title_key(template.name): stems.get(stem) for stem, template in BUILT_IN_TEMPLATES.items()}
        return stems.get(title_key(name)) or titles.get(title_key(name))

    def _place_for(self, name: str) -> Path:
        """Return the file that a template of this name has or gets."""
        check_name(name)
        if (titled := self._titled(name)) is not None:
            return titled
        for path in (self.folder / f"{stem}.json" for stem in file_stems(name)):
            if not path.exists():
                return path
            read_template(path)  # what cannot be read may be of this very name, and is not ours to replace
        raise TemplateError(f"{path} holds another template; rename that file, or choose another name", name=name)

    def _require_free(self, name: str) -> None:
        check_name(name)
        if self._titled(name) is not None:
            raise TemplateError(f"there is a template {name!r} already; choose another name", name=name, field="name")

    def _is_original(self, stem: str) -> bool:
        try:
            return read_template(self.folder / f"{stem}.json") == BUILT_IN_TEMPLATES[stem]
        except TemplateError:
            return False

    def _remove(self, path: Path) -> QueueTemplate | None:
        original = BUILT_IN_TEMPLATES.get(path.stem)
        if original is not None:
            self._write(path, original)
        else:
            path.unlink(missing_ok=True)
        return original

    def _keep_older(self, path: Path) -> None:
        version = version_of(read_json(path, limit_bytes=LARGEST_BYTES))
        if is_older(version, TEMPLATE_VERSION):
            keep_before_migration(path, version, self.folder.parent / "backups")

    @staticmethod
    def _write(path: Path, template: QueueTemplate) -> None:
        write_atomically(path, encode_json(template.to_dict()), mode=0o600)


def _built_in_stem(name: str) -> str:
    for stem, template in BUILT_IN_TEMPLATES.items():
        if name_key(name.strip()) in (stem, title_key(template.name)):
            return stem
    known = ", ".join(BUILT_IN_TEMPLATES)
    raise TemplateError(f"{name!r} did not come with stlkit; built in are: {known}", name=name)
