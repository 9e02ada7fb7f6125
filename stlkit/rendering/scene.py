"""What a backend is asked to draw: triangles, a camera, a material, light. Plain data, one right-handed world, z up.

The model stands in *model space*: its bounding box is centred on the origin and its diagonal is 2 long, so that it
lies inside the unit ball whatever its size in millimetres was, and no tolerance below depends on that size.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Rgb = tuple[float, float, float]
"""Red, green and blue in linear light; 1 is the white of paper."""
Vector = tuple[float, float, float]
"""A direction in the world."""
Region = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the latter two exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Geometry:
    """Triangles ready to be drawn.

    Parameters
    ----------
    positions : (v, 3) float32
        In model space.
    normals : (v, 3) float32
        Unit normals; a position that lies on a sharp edge comes once for each of its normals.
    faces : (n, 3) uint32
        Counter-clockwise seen from outside.
    colors : (v, 3) float32 or None
        Linear colour of each vertex, where the file had colours.
    solid : bool
        Only the outsides of faces can be seen, so that those that look away may be left out.
    center_mm : (3,) float64
        Centre of the bounding box in the model's own coordinates.
    radius_mm : float
        Half of the bounding box's diagonal: model space times this is millimetres.
    """

    positions: npt.NDArray[np.float32]
    normals: npt.NDArray[np.float32]
    faces: npt.NDArray[np.uint32]
    colors: npt.NDArray[np.float32] | None
    solid: bool
    center_mm: FloatArray
    radius_mm: float

    @property
    def bounds(self) -> FloatArray:
        """Lowest and highest corner in model space, (2, 3)."""
        return np.stack([self.positions.min(axis=0), self.positions.max(axis=0)]).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Camera:
    """A pinhole or an orthographic camera and the pixels behind it.

    Parameters
    ----------
    axes : (3, 3) float64
        Rows: the directions right, up and backwards (from the scene to the camera), in the world.
    eye : (4,) float64
        Position with a 1 at the end; for an orthographic camera the direction backwards with a 0.
    world_to_clip : (4, 4) float64
        From homogeneous world coordinates to OpenGL's clip space.
    width_px, height_px : int
        Size of the picture.
    """

    axes: FloatArray
    eye: FloatArray
    world_to_clip: FloatArray
    width_px: int
    height_px: int

    def project(self, points: npt.NDArray[np.floating]) -> FloatArray:
        """Return where world points, (..., 3), fall in the picture, (..., 2): pixels from the top left corner."""
        clip = points @ self.world_to_clip[:, :3].T + self.world_to_clip[:, 3]
        half = np.array([self.width_px, self.height_px]) / 2
        pixels: FloatArray = half + clip[..., :2] / clip[..., 3:] * (half * (1, -1))
        return pixels

    def is_below(self, height: float) -> bool:
        """Whether it stands below a height, so that a floor there would hide what stands on it."""
        return bool(self.eye[3]) and bool(self.eye[2] <= height)

    def unproject(self, depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the world points, (h, w, 3), behind the middles of all pixels.

        Parameters
        ----------
        depth : (h, w) float32
            Window depths of 0 to 1, one for each pixel of this camera.
        """
        inverse = np.linalg.inv(self.world_to_clip).astype(np.float32)
        x = (np.arange(self.width_px, dtype=np.float32) + 0.5) * np.float32(2 / self.width_px) - 1
        y = 1 - (np.arange(self.height_px, dtype=np.float32) + 0.5) * np.float32(2 / self.height_px)
        z = 2 * depth - 1
        # Row by row of the matrix, not as a product: a broadcast costs a tenth of many small products.
        homogeneous = [row[0] * x + (row[1] * y + row[3])[:, None] + row[2] * z for row in inverse]
        points = np.empty((*depth.shape, 3), dtype=np.float32)
        for axis in range(3):
            np.divide(homogeneous[axis], homogeneous[3], out=points[..., axis])
        return points

    def cropped(self, region: Region) -> Camera:
        """Return the camera that sees only a region of this one's picture, at the same scale."""
        left, top, right, bottom = region
        width, height = right - left, bottom - top
        window = np.eye(4)
        window[0, 0], window[1, 1] = self.width_px / width, self.height_px / height
        window[0, 3] = (self.width_px - left - right) / width
        window[1, 3] = (top + bottom - self.height_px) / height
        return dataclasses.replace(self, world_to_clip=window @ self.world_to_clip, width_px=width, height_px=height)

    def resized(self, width_px: int, height_px: int) -> Camera:
        """Return the same view with more or fewer pixels."""
        return dataclasses.replace(self, width_px=width_px, height_px=height_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a model seems to be made of, as numbers.

    Parameters
    ----------
    color : tuple of float
        Linear base colour.
    metallic : float
        0 for an insulator, whose highlights are white, to 1 for a metal, which colours what it mirrors.
    roughness : float
        0 mirrors sharply, 1 not at all.
    reflectance : float
        Share of light an insulator mirrors when seen head-on.
    softness : float
        How far light creeps around into the shade, 0 to 1: a look of translucent matter.
    opacity : float
        Share of the background that one layer seen head-on hides; below 1 every layer shows through.
    grain : float
        Strength of wood grain, 0 for none.
    """

    color: Rgb
    metallic: float = 0.0
    roughness: float = 0.5
    reflectance: float = 0.04
    softness: float = 0.0
    opacity: float = 1.0
    grain: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A far-away rectangular softbox.

    Parameters
    ----------
    direction : tuple of float
        From the model to the light, unit length.
    color : tuple of float
        Light that a matt white face turned towards it sends back.
    half_width, half_height : float
        Tangents of half the angles under which the model sees it.
    glare : float
        Brightness of its mirror image, in units of `color`.
    """

    direction: Vector
    color: Rgb
    half_width: float
    half_height: float
    glare: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is around the model, by height.

    Parameters
    ----------
    sky, horizon, ground : tuple of float
        Radiance straight above, level and straight below.
    """

    sky: Rgb
    horizon: Rgb
    ground: Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Illumination:
    """All the light there is.

    Parameters
    ----------
    lights : tuple of Light
        At most `MAX_LIGHTS`.
    room : Room
        As it lights the model.
    mirrored_room : Room
        As a mirror shows it: what shines has bright and dark things to mirror, which would be too much as light.
    """

    lights: tuple[Light, ...]
    room: Room
    mirrored_room: Room


MAX_LIGHTS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One picture of the loaded geometry.

    Parameters
    ----------
    camera : Camera
    surface : Surface
    illumination : Illumination
    turn_rad : float
        The model is turned so far about the vertical axis, counter-clockwise seen from above; camera and light
        stand still.
    samples : int
        Coverage samples a pixel: 1 or 4.
    vertex_colors : bool
        Take the colours of the geometry instead of the surface's, where it has them.
    """

    camera: Camera
    surface: Surface
    illumination: Illumination
    turn_rad: float = 0.0
    samples: int = 4
    vertex_colors: bool = False


def turn_matrix(turn_rad: float) -> FloatArray:
    """Return the (3, 3) rotation about the vertical axis, counter-clockwise seen from above."""
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
