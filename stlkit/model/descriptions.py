"""What a form has to know of each option, read from the options themselves."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin

from stlkit.model.options import CheckedOptions, OptionKind, field_types


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OptionDescription:
    """What a form shows of an option.

    Parameters
    ----------
    name : str
        As in templates and on the command line.
    title : str
        For a person.
    help : str
        One sentence.
    kind : OptionKind
    default : Any
        In the option's own type.
    choices : tuple of str
        Of a `CHOICE`.
    least, most : float or None
        Bounds of a number.
    above : float or None
        A bound that the number itself must not reach.
    optional : bool
        Whether there may be no value.
    """

    name: str
    title: str
    help: str
    kind: OptionKind
    default: Any
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    above: float | None = None
    optional: bool = False


def describe_options(group: type[CheckedOptions]) -> tuple[OptionDescription, ...]:
    """Describe every option of a group, in the order of their declaration.

    Parameters
    ----------
    group : type
        `RenderOptions`, `ValidationOptions`, `OutputSettings` or `QueueSettings`.

    Returns
    -------
    tuple of OptionDescription
    """
    defaults = {field.name: field.default for field in dataclasses.fields(group)}
    return tuple(_described(name, kind, defaults[name]) for name, kind in field_types(group).items())


def _described(name: str, annotation: Any, default: Any) -> OptionDescription:
    metadata = [*getattr(annotation, "__metadata__", ())]
    bare = get_args(annotation)[0] if metadata else annotation
    optional = get_origin(bare) in (Union, UnionType)  # how Python spells `Annotated | None`, and `str | None`
    kind = next(arg for arg in get_args(bare) if arg is not type(None)) if optional else bare
    # the bounds of an alias such as Positive, and of one inside a union
    metadata += getattr(kind, "__metadata__", ())
    if hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]

    def said(what: str) -> Any:
        return next((found for m in metadata if (found := getattr(m, what)) is not None), None)

    entered_as = (said("extra") or {}).get("entered_as") or _kind_of(kind)
    return OptionDescription(
        name=name,
        title=said("title") or name.replace("_", " ").capitalize(),
        help=said("description") or "",
        kind=entered_as,
        default=default,
        choices=tuple(kind) if entered_as is OptionKind.CHOICE else (),
        least=said("ge"),
        most=said("le"),
        above=said("gt"),
        optional=optional,
    )


def _kind_of(kind: Any) -> OptionKind:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return OptionKind.CHOICE
    return {bool: OptionKind.FLAG, int: OptionKind.INTEGER, float: OptionKind.NUMBER}.get(kind, OptionKind.TEXT)
