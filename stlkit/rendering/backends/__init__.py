"""The renderers, interchangeable: each draws the same `Shot` the same way.

A backend turns triangles, a camera, a material and light into pixels, and nothing else: framing, background, shadows,
lettering and files are made above it. What a picture must look like is defined by `stlkit.rendering.shading`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stlkit.model.options import BackendName
from stlkit.rendering.scene import Camera, Geometry, Shot


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendInfo:
    """What draws.

    Parameters
    ----------
    name : BackendName
    platform : str
        How it reaches OpenGL, such as ``egl``.
    gl_vendor, gl_renderer, gl_version : str
        As the driver says.
    """

    name: BackendName
    platform: str
    gl_vendor: str = ""
    gl_renderer: str = ""
    gl_version: str = ""


class Backend(Protocol):
    """Draws one geometry, as often as asked.

    A backend belongs to the thread that opened it.
    """

    @property
    def info(self) -> BackendInfo:
        """What draws."""
        ...

    def load(self, geometry: Geometry) -> None:
        """Take the geometry that is drawn from now on; the one before it is let go.

        The one that is loaded already is not sent again.
        """
        ...

    def unload(self) -> None:
        """Let go of the geometry."""
        ...

    def draw(self, shot: Shot) -> npt.NDArray[np.uint8]:
        """Draw the loaded geometry.

        Parameters
        ----------
        shot : Shot

        Returns
        -------
        (h, w, 4) uint8
            Top row first. Red, green and blue are sRGB multiplied by alpha; all are 0 where nothing was drawn.

        Raises
        ------
        RenderError
            The renderer refused.
        """
        ...

    def measure_depth(self, camera: Camera) -> npt.NDArray[np.float32]:
        """Measure how far away the loaded geometry is, unturned, at each pixel's centre.

        Parameters
        ----------
        camera : Camera

        Returns
        -------
        (h, w) float32
            Top row first. OpenGL's window depth: 0 at the camera's near plane, 1 at its far plane and where nothing is.

        Raises
        ------
        RenderError
            The renderer refused.
        """
        ...


_MODULES = {BackendName.PYRENDER: "stlkit.rendering.backends.pyrender_backend"}


@cache
def open_backend(name: BackendName = BackendName.AUTO) -> Backend:
    """Start a renderer, or return the one that was started: there is one per process, for the process's life.

    Parameters
    ----------
    name : BackendName
        Which one; AUTO takes the best there is.

    Returns
    -------
    Backend

    Raises
    ------
    BackendUnavailableError
        It does not start on this machine; the message names the package to install.
    """
    if name is BackendName.AUTO:
        return open_backend(BackendName.PYRENDER)
    backend: Backend = importlib.import_module(_MODULES[name]).PyrenderBackend()
    return backend
