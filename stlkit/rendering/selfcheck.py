"""Whether the renderer draws what it should: a cube, whose picture can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import BackendName, Lighting, Material
from stlkit.rendering.backends import Backend, open_backend
from stlkit.rendering.framing import frame
from stlkit.rendering.lights import RIGS
from stlkit.rendering.materials import surface_of
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.scene import Camera, FloatArray, Shot
from stlkit.rendering.shading import shade

_SIZE_PX = 256
_COVERAGE_TOLERANCE = 0.01
_COLOR_TOLERANCE = 3

_CORNERS = np.array([[x, y, z] for x in (-10, 10) for y in (-10, 10) for z in (-10, 10)], dtype=np.float64)
_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    dtype=np.int32,
)  # fmt: skip
# What a camera at the front right sees of the cube, around the corner that is nearest to it.
_OUTLINE = (0, 4, 6, 7, 3, 1)
_SEEN_NORMALS = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class RendererCheck:
    """What came of looking at the renderer.

    Parameters
    ----------
    backend : str
    platform : str
        ``egl``, ``osmesa`` or ``pyglet``.
    gl_vendor, gl_renderer, gl_version : str
        As the driver says.
    passed : bool
        The cube is where it should be and has the colours that it should have.
    detail : str
        All of this in one line, for a person.
    """

    backend: str
    platform: str
    gl_vendor: str
    gl_renderer: str
    gl_version: str
    passed: bool
    detail: str


def check_renderer(name: BackendName = BackendName.AUTO) -> RendererCheck:
    """Draw a cube and compare the picture with what follows from the formulas.

    Parameters
    ----------
    name : BackendName

    Returns
    -------
    RendererCheck

    Raises
    ------
    BackendUnavailableError
        No renderer starts on this machine; the message names the package to install.
    """
    backend = open_backend(name)
    problems = _problems(backend)
    info = backend.info
    verdict = "; ".join(problems) if problems else "a known cube is drawn right"
    return RendererCheck(
        backend=str(info.name),
        platform=info.platform,
        gl_vendor=info.gl_vendor,
        gl_renderer=info.gl_renderer,
        gl_version=info.gl_version,
        passed=not problems,
        detail=f"{info.name} through {info.platform}: {info.gl_renderer}, OpenGL {info.gl_version}; {verdict}",
    )


def _problems(backend: Backend) -> list[str]:
    geometry = prepare_geometry(TriangleMesh(vertices=_CORNERS, faces=_FACES))
    camera = frame(geometry.positions, _SIZE_PX, _SIZE_PX)
    surface = surface_of(Material.PLASTIC)
    illumination = RIGS[Lighting.STUDIO].seen_by(camera)
    backend.load(geometry)
    pixels = backend.draw(Shot(camera=camera, surface=surface, illumination=illumination))
    backend.unload()

    corners = _CORNERS / geometry.radius_mm
    problems = []
    expected = _polygon_area(camera.project(corners[list(_OUTLINE)]))
    covered = float(pixels[..., 3].sum()) / 255
    if abs(covered / expected - 1) > _COVERAGE_TOLERANCE:
        problems.append(f"the cube covers {covered:.0f} pixels instead of {expected:.0f}")
    middles = _SEEN_NORMALS * 10 / geometry.radius_mm
    to_eye = camera.eye[:3] - middles
    to_eye /= np.linalg.norm(to_eye, axis=1, keepdims=True)
    heights = middles[:, 2] - geometry.bounds[0, 2]
    wanted = np.round(shade(surface, illumination, _SEEN_NORMALS, to_eye, heights) * 255)
    found = _colors_at(pixels, camera, middles)
    if np.abs(found - wanted).max() > _COLOR_TOLERANCE:
        problems.append(
            f"its faces have the colours {found.astype(int).tolist()} instead of {wanted.astype(int).tolist()}"
        )
    return problems


def _colors_at(pixels: npt.NDArray[np.uint8], camera: Camera, points: FloatArray) -> FloatArray:
    columns, rows = np.floor(camera.project(points)).astype(int).T
    return pixels[rows, columns, :3].astype(np.float64)


def _polygon_area(points: FloatArray) -> float:
    """Return the area of a polygon, by the shoelace formula."""
    following = np.roll(points, -1, axis=0)
    return abs(float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum())) / 2
