"""One model in front of the camera, and what all its pictures share, worked out once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import RenderOptions
from stlkit.rendering.backends import Backend
from stlkit.rendering.background import make_backdrop
from stlkit.rendering.compositing import Pixels, darken, lay_over
from stlkit.rendering.exposure import Shade, expose, probe_shade
from stlkit.rendering.framing import region_of
from stlkit.rendering.lights import RIGS
from stlkit.rendering.materials import surface_of
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.quality import Effort
from stlkit.rendering.scene import Camera, Region, Shot
from stlkit.rendering.shadow import GroundShadow

TRANSLUCENT_SHADOW = 0.5
"""Share of a solid model's shadow that a translucent one throws."""
_BORDER = 0.13
"""Share of the picture on each side in which a shadow fades away."""


class Stage:
    """A model on the floor of the studio, ready to be drawn from any side.

    Parameters
    ----------
    backend : Backend
    mesh : TriangleMesh

    Raises
    ------
    RenderError
        There is nothing to draw.
    """

    def __init__(self, backend: Backend, mesh: TriangleMesh) -> None:
        self.geometry = prepare_geometry(mesh)
        self._backend = backend
        self._shadow: GroundShadow | None = None
        self._backdrop: tuple[object, Pixels] | None = None
        self._shade: tuple[object, Shade | None] | None = None
        backend.load(self.geometry)

    def clear(self) -> None:
        """Let go of the geometry in the renderer."""
        self._backend.unload()

    def backdrop(self, options: RenderOptions, width_px: int, height_px: int) -> Pixels:
        """Return what stands behind the model, (h, w, 4): a copy to draw on."""
        key = (options.background_color, options.background_image, width_px, height_px)
        if self._backdrop is None or self._backdrop[0] != key:
            self._backdrop = key, make_backdrop(*key)
        return self._backdrop[1].copy()

    def lay_shadow(self, canvas: Pixels, options: RenderOptions, camera: Camera, turn_rad: float = 0.0) -> None:
        """Darken the floor around the model, in place."""
        if self._shadow is None:
            self._shadow = GroundShadow(self.geometry)
        translucent = surface_of(options.material).opacity < 1
        strength = RIGS[options.lighting].shadow * (TRANSLUCENT_SHADOW if translucent else 1.0)
        hidden, region = self._shadow.seen_by(camera, turn_rad)
        darken(canvas, _faded(hidden, strength, region, camera), *region[:2])

    def lay_model(
        self, canvas: Pixels, options: RenderOptions, camera: Camera, effort: Effort, *, color: str | None = None
    ) -> None:
        """Draw the model over a canvas, in place.

        Parameters
        ----------
        canvas : (h, w, 3 or 4) uint8
        options : RenderOptions
            Material, lighting and colour.
        camera : Camera
            Of the whole canvas.
        effort : Effort
        color : str, optional
            Instead of the colour of the options.
        """
        region = region_of(self.geometry.positions, camera)
        shot = self.shot(options, camera, region, color=color)
        self._backend.load(self.geometry)
        shade = self._shade_of(shot, options, effort)
        lay_over(canvas, expose(self._backend, shot, effort, shade), *region[:2])

    def lay_turned_model(self, canvas: Pixels, shot: Shot, region: Region, effort: Effort) -> None:
        """Draw one frame of a turning model over a canvas, in place; the room's light is not probed."""
        self._backend.load(self.geometry)
        lay_over(canvas, expose(self._backend, shot, effort), *region[:2])

    def shot(self, options: RenderOptions, camera: Camera, region: Region, *, color: str | None = None) -> Shot:
        """Describe a picture of a part of what a camera sees."""
        own_color = color if color is not None else options.color
        return Shot(
            camera=camera.cropped(region),
            surface=surface_of(options.material, own_color),
            illumination=RIGS[options.lighting].seen_by(camera),
            vertex_colors=own_color is None and self.geometry.colors is not None,
        )

    def _shade_of(self, shot: Shot, options: RenderOptions, effort: Effort) -> Shade | None:
        """Find what is in the way of the light; the colour variations of a picture share it."""
        if shot.surface.opacity < 1:
            return None
        camera = shot.camera
        key = (camera.world_to_clip.tobytes(), camera.width_px, camera.height_px, options.lighting, effort)
        if self._shade is None or self._shade[0] != key:
            self._shade = key, probe_shade(self._backend, camera, shot.illumination.lights[0], effort)
        return self._shade[1]


def _faded(hidden: Pixels, strength: float, region: Region, camera: Camera) -> Pixels:
    """Return the opacity of a shadow that ends before the picture does, so that its border shows the background."""
    columns, rows = (
        _ramp(np.arange(low, high), size)
        for low, high, size in ((region[0], region[2], camera.width_px), (region[1], region[3], camera.height_px))
    )
    return (hidden * (np.float32(strength) * rows[:, None] * columns)).astype(np.uint8)


def _ramp(position: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.float32]:
    """Return 0 at the borders of a picture, 1 away from them, smooth between."""
    distance = np.minimum(position + 0.5, size - position - 0.5) / (_BORDER * size)
    t = distance.clip(0.0, 1.0).astype(np.float32)
    ramp: npt.NDArray[np.float32] = t * t * (3 - 2 * t)
    return ramp
