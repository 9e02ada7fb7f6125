"""Files as they reach a seller when something went wrong, each with one kind of damage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stlkit.model.geometry import HEADER_BYTES, STL_RECORD, encode_binary_stl, facet_normals
from stlkit.samples.mechanical import bracket, calibration_cube, gear
from stlkit.samples.surfaces import Floats, assemble, reversed_faces
from stlkit.samples.turned import chess_rook

HEADER = "stlkit sample"
"""What the header of every binary sample begins with, and the name of the solid of every ASCII one."""

WEB_PAGE = b"""<!DOCTYPE html>
<!-- stlkit sample -->
<html>
<head><title>Log in to download</title></head>
<body><p>Please log in to download <b>dragon.stl</b>.</p></body>
</html>
"""


def binary(triangles: Floats, name: str) -> bytes:
    """Write a binary sample."""
    return encode_binary_stl(triangles, f"{HEADER}: {name}")


def ascii_text(triangles: Floats) -> str:
    """Write an ASCII sample; eight digits tell any two corners apart."""
    lines = [f"solid {HEADER}"]
    for normal, corners in zip(facet_normals(triangles).tolist(), triangles.tolist(), strict=True):
        lines.append("  facet normal " + _numbers(normal))
        lines.append("    outer loop")
        lines += ["      vertex " + _numbers(corner) for corner in corners]
        lines += ["    endloop", "  endfacet"]
    return "\n".join([*lines, f"endsolid {HEADER}", ""])


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.8g}" for value in values)


def truncated_binary() -> bytes:
    """Cut a gear in the middle of a facet, as a broken download does."""
    data = binary(gear(), "truncated_binary")
    return data[: len(data) * 3 // 5 + 17]


def ascii_cut() -> bytes:
    """Cut an ASCII file in the middle of a number."""
    text = ascii_text(bracket())
    return text[: text.index("vertex", len(text) * 2 // 3) + len("vertex 1")].encode()


def decimal_comma() -> bytes:
    """Write numbers as a program does that believes the country's settings."""
    head, _, rest = ascii_text(calibration_cube()).partition("\n")
    return f"{head}\n{rest.replace('.', ',')}".encode()


def open_box() -> bytes:
    """Leave two facets out of a box; the hole is flat and small, and can be closed."""
    return binary(np.delete(_box((60.0, 40.0, 25.0), 6), (30, 31), axis=0), "open_box")


def inverted() -> bytes:
    """Turn a bracket inside out."""
    return binary(reversed_faces(bracket()), "inverted")


def duplicate_faces() -> bytes:
    """Write some facets of a rook twice."""
    triangles = chess_rook()
    return binary(np.concatenate([triangles, triangles[100:160]]), "duplicate_faces")


def nan_coordinates() -> bytes:
    """Write facets of a gear without numbers, as a division by zero leaves them."""
    data = bytearray(binary(gear(), "nan_coordinates"))
    corners = np.frombuffer(data, dtype=STL_RECORD, offset=HEADER_BYTES + 4)["corners"]
    corners[[40, 41], 1] = np.nan
    corners[900, 2, 0] = np.inf
    return bytes(data)


def _box(size_mm: tuple[float, float, float], cells: int) -> Floats:
    """Make a box of `cells` x `cells` quads on every face; the first face is the top one."""
    steps = np.linspace(-1.0, 1.0, cells + 1)
    u, v = (grid.ravel() for grid in np.meshgrid(steps[:-1], steps[:-1]))
    d = steps[1] - steps[0]
    a, b, c, e = ((u, v), (u + d, v), (u + d, v + d), (u, v + d))
    flat = np.array([(a, b, c), (a, c, e)]).transpose(3, 0, 1, 2).reshape(-1, 3, 2)
    top = np.concatenate([flat, np.ones((len(flat), 3, 1))], axis=2)
    # The cyclic order of the axes keeps the winding; a half turn about the first axis makes the opposite face.
    faces = [np.roll(side, shift, axis=2) for shift in range(3) for side in (top, top * (1, -1, -1))]
    return assemble([face * np.array(size_mm) / 2 for face in faces])


DAMAGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "truncated_binary.stl": (truncated_binary, "A gear whose download broke off."),
    "empty.stl": (lambda: b"", "A file without a byte."),
    "web_page.stl": (lambda: WEB_PAGE, "A log-in page saved under the model's name."),
    "ascii_cut.stl": (ascii_cut, "A bracket as text that ends in the middle of a number."),
    "decimal_comma.stl": (decimal_comma, "A cube as text with commas for decimal points."),
    "open_box.stl": (open_box, "A box with a small hole that can be closed."),
    "inverted.stl": (inverted, "A bracket turned inside out."),
    "duplicate_faces.stl": (duplicate_faces, "A rook with some facets twice."),
    "nan_coordinates.stl": (nan_coordinates, "A gear in which some coordinates are no numbers."),
}
"""File name to how its bytes are made and what it is."""
