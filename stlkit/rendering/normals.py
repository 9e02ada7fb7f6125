"""From the triangles of a file to triangles that can be drawn: unit size, and normals by crease angle.

Flat faces look flat and curved ones smooth: where two faces meet at less than the crease angle, they share a normal
along the edge; elsewhere each keeps its own. Normals are averaged with area times corner angle as weight, so that
neither a large flat face next to a narrow fillet nor the diagonal of a quad bends the shading. Source of the weights:
G. Thürrner and C. A. Wüthrich, *Computing vertex normals from polygonal facets*, 1998 (angle), extended by area as in
CAD viewers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stlkit.errors import RenderError
from stlkit.model.geometry import TriangleMesh
from stlkit.rendering.color import srgb_to_linear
from stlkit.rendering.scene import Geometry
from stlkit.rendering.solidity import hides_inside

CREASE_RAD = np.radians(30.0)
"""Edges sharper than this stay sharp: an octagonal prism has corners, a cylinder of 16 sides has none."""

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


def prepare_geometry(mesh: TriangleMesh, *, crease_rad: float = float(CREASE_RAD)) -> Geometry:
    """Bring a mesh to unit size and find its normals.

    Parameters
    ----------
    mesh : TriangleMesh
        Faces without area are left out.
    crease_rad : float
        Angle between two faces from which on their common edge is sharp.

    Returns
    -------
    Geometry

    Raises
    ------
    RenderError
        There is no face to draw: none has an area, or the coordinates are not finite.
    """
    faces = mesh.faces.astype(np.int64, copy=False)
    if not len(faces):
        raise RenderError("The model has no faces; there is nothing to draw.")
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[faces] = True
    low, high = mesh.vertices[used].min(axis=0), mesh.vertices[used].max(axis=0)
    center, radius = low + (high - low) / 2, float(np.linalg.norm((high - low) / 2))
    if radius == 0:
        raise RenderError("All corners of the model lie in one point; there is nothing to draw.")
    if not np.isfinite(radius):
        raise RenderError("The model reaches beyond what numbers can express; it cannot be drawn.")
    positions = ((mesh.vertices - center) / radius).astype(np.float32)
    facet_normals, weights = _facets(positions, faces)
    drawn = weights.any(axis=1)
    if not drawn.any():
        raise RenderError("No face of the model has an area; there is nothing to draw.")
    colors = mesh.face_colors
    if not drawn.all():
        faces, facet_normals, weights = faces[drawn], facet_normals[drawn], weights[drawn]
        colors = colors[drawn] if colors is not None else None
    shared, origin, normals = _smooth(faces, facet_normals, weights, len(positions), crease_rad)
    shared, origin, normals, vertex_colors = _split_by_color(shared, origin, normals, colors)
    return Geometry(
        positions=positions[origin],
        normals=normals,
        faces=shared.astype(np.uint32),
        colors=vertex_colors,
        solid=hides_inside(positions, faces),
        center_mm=center,
        radius_mm=radius,
    )


def _facets(positions: Floats, faces: Indices) -> tuple[Floats, Floats]:
    """Return the unit normals of the faces, (n, 3), and the weight of the normal at each corner, (n, 3)."""
    first, second, third = (positions[faces[:, corner]] for corner in range(3))
    edges = (second - first, third - second, first - third)
    cross = np.empty_like(first)
    for axis in range(3):  # by columns: several times faster than np.cross on rows of three
        one, two = (axis + 1) % 3, (axis + 2) % 3
        cross[:, axis] = edges[0][:, one] * edges[1][:, two] - edges[0][:, two] * edges[1][:, one]
    doubled_area = np.sqrt(_dot(cross, cross))
    normals = np.divide(cross, doubled_area[:, None], out=np.zeros_like(cross), where=doubled_area[:, None] > 0)
    angles = [np.arctan2(doubled_area, -_dot(edges[corner - 1], edges[corner])) for corner in range(3)]
    return normals, np.stack(angles, axis=1) * doubled_area[:, None]


def _dot(one: Floats, two: Floats) -> Floats:
    product: Floats = np.einsum("ni,ni->n", one, two)
    return product


def _smooth(
    faces: Indices, facet_normals: Floats, weights: Floats, vertex_count: int, crease_rad: float
) -> tuple[Indices, Indices, Floats]:
    """Share corners across smooth edges.

    Returns the faces (n, 3) over new vertices, the old vertex of each new one, and its unit normal.
    """
    means = _mean_normals(faces.ravel(), facet_normals, weights, vertex_count)
    # Corners within half the crease of the mean are within the crease of each other: nothing to look at there.
    agreement = np.einsum("nij,nj->ni", means[faces], facet_normals)
    rough = np.zeros(vertex_count, dtype=bool)
    rough[faces[agreement < np.cos(crease_rad / 2)]] = True
    corners = np.flatnonzero(rough[faces.ravel()])
    groups = _corner_groups(faces, facet_normals, corners, np.cos(crease_rad))

    used = np.zeros(vertex_count, dtype=bool)
    used[faces.ravel()] = True
    kept = np.flatnonzero(used & ~rough)
    renumbered = np.empty(vertex_count, dtype=np.int64)
    renumbered[kept] = np.arange(len(kept))
    shared = renumbered[faces.ravel()]
    shared[corners] = len(kept) + groups
    total = len(kept) + (int(groups.max()) + 1 if len(groups) else 0)
    origin = np.empty(total, dtype=np.int64)
    origin[shared] = faces.ravel()
    normals = _mean_normals(shared, facet_normals, weights, total)
    return shared.reshape(-1, 3), origin, normals


def _mean_normals(corner_vertices: Indices, facet_normals: Floats, weights: Floats, count: int) -> Floats:
    sums = np.empty((count, 3))
    for axis in range(3):
        contributions = (weights * facet_normals[:, axis, None]).ravel()
        sums[:, axis] = np.bincount(corner_vertices, weights=contributions, minlength=count)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    rounded: Floats = unit.astype(np.float32)
    return rounded


def _corner_groups(faces: Indices, facet_normals: Floats, corners: Indices, least_cosine: float) -> Indices:
    """Give each of some corners a number, the same for those that share a normal.

    Two corners of one vertex belong together where their faces meet in a smooth edge at that vertex.
    """
    if not len(corners):
        return np.empty(0, dtype=np.int64)
    number = np.full(faces.size, -1, dtype=np.int64)
    number[corners] = np.arange(len(corners))
    ends = np.roll(faces, -1, axis=1)
    wanted = (number.reshape(-1, 3) >= 0) | (np.roll(number.reshape(-1, 3), -1, axis=1) >= 0)
    edge = np.flatnonzero(wanted.ravel())
    low, high = np.minimum(faces, ends).ravel()[edge], np.maximum(faces, ends).ravel()[edge]
    keys = low << 32 | high
    order = np.argsort(keys)
    same = np.diff(keys[order]) == 0
    first, second = edge[order[:-1][same]], edge[order[1:][same]]
    smooth = _dot(facet_normals[first // 3], facet_normals[second // 3]) >= least_cosine
    first, second = first[smooth], second[smooth]
    links = _common_corners(faces, first, second)
    pairs = number[links]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(corners),) * 2)
    _, groups = connected_components(graph, directed=False)
    return groups.astype(np.int64)


def _common_corners(faces: Indices, first: Indices, second: Indices) -> Indices:
    """Return the pairs of corners (2 k, 2) at the two ends of edges that two faces share.

    An edge is numbered as the corner at which it starts; it ends at the next corner of its face.
    """
    after_first, after_second = _next_corner(first), _next_corner(second)
    flat = faces.ravel()
    opposed = flat[first] != flat[second]  # neighbours that are wound alike run along the edge in opposite ways
    at_start = np.where(opposed, after_second, second)
    at_end = np.where(opposed, second, after_second)
    return np.concatenate([np.stack([first, at_start], axis=1), np.stack([after_first, at_end], axis=1)])


def _next_corner(corner: Indices) -> Indices:
    return corner - corner % 3 + (corner % 3 + 1) % 3


def _split_by_color(
    faces: Indices, origin: Indices, normals: Floats, face_colors: npt.NDArray[np.uint8] | None
) -> tuple[Indices, Indices, Floats, Floats | None]:
    """Give every colour at a vertex a vertex of its own, where faces have colours."""
    if face_colors is None:
        return faces, origin, normals, None
    packed = face_colors.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    keys = (faces << 24 | packed[:, None]).ravel()
    unique, shared = np.unique(keys, return_inverse=True)
    vertex = unique >> 24
    channels = np.stack([unique >> 16 & 255, unique >> 8 & 255, unique & 255], axis=1)
    colors = srgb_to_linear(channels / 255).astype(np.float32)
    return shared.reshape(-1, 3), origin[vertex], normals[vertex], colors
