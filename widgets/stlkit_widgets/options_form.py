"""Forms for the options, made from the options themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import traitlets

from stlkit.errors import OptionError
from stlkit.model.descriptions import OptionDescription, describe_options
from stlkit.model.encoding import to_plain
from stlkit.model.options import (
    CheckedOptions,
    OptionKind,
    OutputSettings,
    QueueSettings,
    RenderOptions,
    ValidationOptions,
    parse_option,
)
from stlkit_widgets.background import Background
from stlkit_widgets.page_part import Content, PagePart
from stlkit_widgets.places import Recent, serve_places

GROUPS: dict[str, tuple[str, type[CheckedOptions]]] = {
    "render": ("Pictures", RenderOptions),
    "validation": ("Validation", ValidationOptions),
    "output": ("Output and names", OutputSettings),
    "settings": ("Queue", QueueSettings),
}
_AS_TYPED = (OptionKind.TEXT, OptionKind.FOLDER, OptionKind.PICTURE)
JOB_GROUPS = ("render", "validation", "output")
"""Groups that a job may have options of its own in."""

Values = dict[str, dict[str, Any]]


class OptionStore(Protocol):
    """Where the options that a form shows come from and go to."""

    def change(self, group: str, name: str, value: Any) -> None:
        """Set an option; raises an OptionError where the value does not fit."""

    def save_template(self, name: str, description: str) -> str:
        """Keep the present options as a template, and say so."""


class OptionsForm(PagePart, page="options_form"):
    """One form for each group of options: the queue's own, or those of the jobs that are selected.

    A value that does not fit is explained beside its field and changes nothing.

    Parameters
    ----------
    store : OptionStore
        Called in the background.
    background : Background
    set_scope : callable
        Called with True where a person wants to see the options of the selected jobs, False for the queue's.
    recent : callable
        As in `serve_places`.

    Attributes
    ----------
    groups : list of dict
        What `describe_options` says of each group.
    values : dict of dict
        The values that are shown, by group and name.
    own : dict of list
        By group, the names of the options in which the selected jobs differ from the queue.
    scope : dict
        ``jobs``: whether these are options of jobs; ``count``: how many are selected; ``title``: what they are called.
    """

    read_only = traitlets.Bool().tag(sync=True)
    groups: Any = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    own = traitlets.Dict().tag(sync=True)
    scope = traitlets.Dict({"jobs": False, "count": 0, "title": ""}).tag(sync=True)

    def __init__(
        self,
        store: OptionStore,
        background: Background,
        *,
        set_scope: Callable[[bool], None],
        recent: Recent,
        **traits: Any,
    ) -> None:
        groups = [
            {"name": name, "title": title, "fields": [_field(option) for option in describe_options(group)]}
            for name, (title, group) in GROUPS.items()
        ]
        super().__init__(background, groups=groups, **traits)
        self._store = store
        serve_places(self, recent)
        self.hear("scope", lambda said: set_scope(bool(said["jobs"])))
        self.answer("change", self._change)
        self.answer("template", self._save_template)

    def _change(self, asked: Content, _: tuple[bytes, ...]) -> Content:
        group, name = str(asked["group"]), str(asked["name"])
        self._store.change(group, name, read_value(GROUPS[group][1], name, asked["value"]))
        return {}

    def _save_template(self, asked: Content, _: tuple[bytes, ...]) -> Content:
        return {"said": self._store.save_template(str(asked["name"]), str(asked.get("description", "")))}


def read_value(group: type[CheckedOptions], name: str, value: Any) -> Any:
    """Return what a form's field means: text as on the command line, nothing where an option may have no value.

    Raises
    ------
    OptionError
        It does not fit.
    """
    described = next((option for option in describe_options(group) if option.name == name), None)
    if described is None:
        raise OptionError(f"there is no option {name!r}", field=name)
    if isinstance(value, bool):
        return value
    text = str(value)
    if described.optional and not text.strip():
        return None
    # a number may have spaces around it; a name may not lose them
    return parse_option(group, name, text if described.kind in _AS_TYPED else text.strip())


def shown_values(group: CheckedOptions) -> dict[str, Any]:
    """Return the values of a group as a form shows them."""
    values: dict[str, Any] = to_plain(group)
    return {name: ", ".join(value) if isinstance(value, list | tuple) else value for name, value in values.items()}


def _field(option: OptionDescription) -> dict[str, Any]:
    default = option.default
    return {
        "name": option.name,
        "title": option.title,
        "help": option.help,
        "kind": option.kind.value,
        "choices": list(option.choices),
        "least": option.least,
        "most": option.most,
        "above": option.above,
        "optional": option.optional,
        "default": ", ".join(default) if isinstance(default, tuple) else default,
    }
