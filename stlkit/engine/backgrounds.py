"""Background pictures as they are entered: found on the disk now, not job by job later."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stlkit.errors import OptionError
from stlkit.model.options import RenderOptions
from stlkit.storage.config import background_image_problem

NAME = "background_image"


def with_usable_background(render: RenderOptions, *known: str | None) -> RenderOptions:
    """Return options whose background picture every worker finds, wherever it works.

    Parameters
    ----------
    render : RenderOptions
        A path with ``~`` or one relative to the working folder is taken as such.
    *known : str or None
        Pictures that were found before, and are not looked at again.

    Raises
    ------
    OptionError
        There is no such picture, or it cannot be drawn.
    """
    typed = render.background_image
    if typed is None or typed in known:
        return render
    if not typed.strip():
        raise OptionError(f"{NAME}: name a picture, or none", field=NAME)
    path = Path(os.path.expanduser(typed)).absolute()  # noqa: PTH111 - Path's own fails where there is no such user
    if (problem := background_image_problem(path)) is not None:
        raise OptionError(f"{NAME}: {problem}", field=NAME)
    return replace(render, background_image=str(path))


def overrides_with_usable_background(
    overrides: Mapping[str, Any], base: RenderOptions, *known: str | None
) -> dict[str, Any]:
    """Return what is to differ from some options, its background picture as `with_usable_background` has it.

    Raises
    ------
    OptionError
        A name is unknown or a value does not fit, or there is no such picture.
    """
    wanted = with_usable_background(base.merged(overrides), base.background_image, *known)
    return {**overrides, **({NAME: wanted.background_image} if NAME in overrides else {})}
