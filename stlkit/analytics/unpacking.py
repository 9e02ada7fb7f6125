"""Options and stages of jobs as columns of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from stlkit.model.options import CheckedOptions, OutputSettings, RenderOptions, ValidationOptions
from stlkit.pipeline.plan import Stage

OPTION_GROUPS: Mapping[str, tuple[str, type[CheckedOptions]]] = {
    "render_options": ("render", RenderOptions),
    "validation_options": ("validation", ValidationOptions),
    "output_settings": ("output", OutputSettings),
}
"""Column of the database to the prefix of its columns in a table, and the options it holds."""


def unpacked_options(groups: Sequence[dict[str, Any] | None], column: str) -> dict[str, Any]:
    """Return a column for each option.

    Parameters
    ----------
    groups : sequence of dict or None
        The options of each job; equal ones should be one object.
    column : str
        Key of `OPTION_GROUPS`.

    Returns
    -------
    dict of str to array
        Known options first, each of its own type; those of other versions follow as objects.
    """
    prefix, kind = OPTION_GROUPS[column]
    kinds = get_type_hints(kind)
    places: dict[int, int] = {}
    codes = np.array([places.setdefault(id(group), len(places)) for group in groups], dtype=np.intp)
    by_id = {id(group): group or {} for group in groups}
    distinct = [by_id[key] for key in places]
    names = dict.fromkeys((*kind.names(), *(name for each in distinct for name in each)))
    columns = {name: _typed([each.get(name) for each in distinct], kinds.get(name)) for name in names}
    return {f"{prefix}_{name}": values.take(codes) for name, values in columns.items()}


def unpacked_stages(durations: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return a column of seconds for each stage; ``nan`` where it was not reached."""
    names = dict.fromkeys((*(stage.value for stage in Stage), *(name for each in durations for name in each)))
    return {f"stage_{name}_s": np.array([each.get(name) for each in durations], np.float64) for name in names}


def _typed(values: list[Any], kind: Any) -> Any:
    """Return values of one option as an array of its type; as objects where that is not known or one does not fit."""
    makers: tuple[tuple[type, Callable[[list[Any]], Any]], ...] = (
        (Enum, pd.Categorical),
        (bool, lambda each: pd.array(each, dtype="boolean")),
        (int, lambda each: pd.array(each, dtype="Int64")),
        (float, lambda each: np.array(each, dtype=np.float64)),
        (str, lambda each: pd.array(each, dtype="str")),
    )
    for known, make in makers:
        if kind == (known | None) or (isinstance(kind, type) and issubclass(kind, known)):
            try:
                return make(values)
            except (ValueError, TypeError, OverflowError):
                break
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return objects
