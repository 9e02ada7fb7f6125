"""The templates of a workspace, and which of them a queue works by."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

from stlkit.errors import TemplateError
from stlkit.model.jobs import QueueState
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.reports import counted
from stlkit.model.templates import QueueTemplate
from stlkit.storage.templates import TemplateManager

OptionGroups = tuple[RenderOptions, ValidationOptions, OutputSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What there is to choose.

    Parameters
    ----------
    templates : tuple of QueueTemplate
        Sorted by title.
    current : str
        Title of the one that has the queue's options; empty where none has.
    own : str
        Where none has: what the options are, such as ``Quick Preview, 2 options changed``.
    problems : tuple of str
        What is wrong with template files that cannot be read.
    """

    templates: tuple[QueueTemplate, ...] = ()
    current: str = ""
    own: str = ""
    problems: tuple[str, ...] = ()


class TemplateShelf:
    """Looks templates up anew only where their folder or the queue's options have changed. Not thread-safe.

    Parameters
    ----------
    manager : TemplateManager
    """

    def __init__(self, manager: TemplateManager) -> None:
        self._manager = manager
        self._written: int | None = None
        self._options: OptionGroups | None = None
        self._shelf = Shelf()
        self._chosen = ""  # the last one whose options the queue had

    def look(self, state: QueueState) -> Shelf:
        """Return what there is now."""
        folder = self._manager.folder
        written = folder.stat().st_mtime_ns if folder.is_dir() else None
        options = (state.global_render_options, state.global_validation_options, state.global_output_settings)
        if (written, options) != (self._written, self._options):
            self._written, self._options = written, options
            self._shelf = self._read(options)
        return self._shelf

    def _read(self, options: OptionGroups) -> Shelf:
        templates = []
        for title in self._manager.list_templates():
            with contextlib.suppress(TemplateError):  # one that was taken away in between
                templates.append(self._manager.load_template(title))
        changed = {template.name: _differences(template, options) for template in templates}
        current = next((title for title, count in changed.items() if not count), "")
        self._chosen = current or self._chosen
        return Shelf(
            templates=tuple(templates),
            current=current,
            own="" if current else self._own(changed),
            problems=tuple(self._manager.problems()),
        )

    def _own(self, changed: Mapping[str, int]) -> str:
        """Say what options are that no template has, by the one they began with or else the one they are nearest to."""
        nearest = self._chosen if self._chosen in changed else min(changed, key=changed.__getitem__, default="")
        return f"{nearest}, {counted(changed[nearest], 'option')} changed" if nearest else "own options"


def _differences(template: QueueTemplate, options: OptionGroups) -> int:
    own = (template.render_options, template.validation_options, template.output_settings)
    pairs = [(getattr(a, f.name), getattr(b, f.name)) for a, b in zip(own, options, strict=True) for f in fields(a)]
    return sum(a != b for a, b in pairs)
