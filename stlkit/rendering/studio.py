"""The way in: one loaded mesh, drawn in many ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import RenderOptions
from stlkit.rendering.backends import Backend
from stlkit.rendering.pictures import write_png
from stlkit.rendering.size_chart import draw_chart
from stlkit.rendering.stage import Stage
from stlkit.rendering.still import take_still
from stlkit.rendering.turntable import record


class Studio:
    """One loaded mesh, drawn in many ways.

    Normals are computed and the triangles sent to the renderer once, here. The renderer belongs to the process and is
    used by one studio after the other; like the renderer, a studio belongs to the thread that opened it.

    Parameters
    ----------
    backend : Backend
        From `stlkit.rendering.backends.open_backend`.
    mesh : TriangleMesh

    Raises
    ------
    RenderError
        There is nothing to draw: no face, no area, or no finite extent.
    """

    def __init__(self, backend: Backend, mesh: TriangleMesh) -> None:
        self._stage = Stage(backend, mesh)

    def draw_still(self, options: RenderOptions, path: Path) -> None:
        """Draw the main picture.

        Parameters
        ----------
        options : RenderOptions
        path : Path
            PNG file to write.

        Raises
        ------
        RenderError
            It could not be drawn, the background picture cannot be read, or the file cannot be written.
        """
        write_png(take_still(self._stage, options), path)

    def draw_color_variation(self, options: RenderOptions, color: str, path: Path) -> None:
        """Draw the main picture in another colour.

        Parameters
        ----------
        options : RenderOptions
        color : str
            One entry of a palette; see `stlkit.model.colors.parse_color`.
        path : Path
            PNG file to write.

        Raises
        ------
        OptionError
            There is no such colour.
        RenderError
            As `draw_still`.
        """
        write_png(take_still(self._stage, options, color=color), path)

    def draw_size_chart(self, options: RenderOptions, path: Path, *, title: str) -> None:
        """Draw the model with its width, depth and height as dimension lines, in mm and inches.

        Parameters
        ----------
        options : RenderOptions
        path : Path
            PNG file to write.
        title : str
            Any text; shortened where it does not fit.

        Raises
        ------
        RenderError
            As `draw_still`.
        """
        write_png(draw_chart(self._stage, options, title), path)

    def record_turntable(
        self, options: RenderOptions, path: Path, *, on_progress: Callable[[float], None] | None = None
    ) -> None:
        """Record the model turning about the vertical axis.

        Parameters
        ----------
        options : RenderOptions
        path : Path
            MP4 file to write.
        on_progress : callable, optional
            Told after every frame which share of the video is done, 0 to 1. What it raises stops the recording.

        Raises
        ------
        RenderError
            As `draw_still`, or the encoder failed. No part of the file is left, whatever was raised.
        """
        record(self._stage, options, path, on_progress=on_progress)

    def close(self) -> None:
        """Let go of the triangles in the renderer; the renderer itself stays for the next studio."""
        self._stage.clear()
