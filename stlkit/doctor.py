"""Whether this machine is fit for the job."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version

from stlkit._version import __version__
from stlkit.errors import StlkitError
from stlkit.rendering.selfcheck import check_renderer

_LIBRARIES = ("numpy", "scipy", "trimesh", "pyrender", "PyOpenGL", "pillow", "imageio-ffmpeg", "pandas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
    passed : bool
    detail : str
    """

    name: str
    passed: bool
    detail: str


def examine() -> tuple[Check, ...]:
    """Look at versions, the renderer and the video encoder.

    Returns
    -------
    tuple of Check
    """
    return (_program(), _libraries(), _renderer(), _encoder())


def _program() -> Check:
    detail = f"{__version__}, Python {platform.python_version()} on {platform.system()} ({platform.machine()})"
    return Check(name="stlkit", passed=True, detail=detail)


def _libraries() -> Check:
    return Check(name="libraries", passed=True, detail=", ".join(f"{name} {version(name)}" for name in _LIBRARIES))


def _renderer() -> Check:
    try:
        check = check_renderer()
    except StlkitError as error:
        return Check(name="renderer", passed=False, detail=str(error))
    return Check(name="renderer", passed=check.passed, detail=check.detail)


def _encoder() -> Check:
    import imageio_ffmpeg  # noqa: PLC0415 - only this check needs it

    try:
        detail = f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"
    except (RuntimeError, OSError) as error:
        return Check(name="video encoder", passed=False, detail=str(error))
    return Check(name="video encoder", passed=True, detail=detail)
