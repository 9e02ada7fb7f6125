"""The demonstration models: sound ones are sound, damaged ones damaged in one way each."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from stlkit.errors import OutputError
from stlkit.model.geometry import HEADER_BYTES, STL_RECORD, facet_normals
from stlkit.samples import write_samples
from stlkit.samples.collection import SOUND, sample_bytes
from stlkit.samples.damaged import DAMAGED
from stlkit.samples.mechanical import LETTERS, gear, involute_outline, keyed_bore
from stlkit.samples.turned import chain_links

every_sound = pytest.mark.parametrize("name", SOUND)


def records(data):
    return np.frombuffer(data, dtype=STL_RECORD, offset=HEADER_BYTES + 4)


def triangles_of(name):
    return records(sample_bytes(name))["corners"].astype(np.float64)


def faces_of(triangles):
    """Vertices and faces of corners that are equal bit by bit."""
    vertices, faces = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    return vertices, faces.reshape(-1, 3)


def half_edges(faces):
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def unmatched_edges(triangles):
    """Count half-edges that are not met by exactly one in the other direction."""
    _, faces = faces_of(triangles)
    edges, counts = np.unique(half_edges(faces), axis=0, return_counts=True)
    known = {tuple(edge): count for edge, count in zip(edges.tolist(), counts.tolist(), strict=True)}
    return sum(count != 1 or known.get((b, a)) != 1 for (a, b), count in known.items())


def volume_of(triangles):
    """Divergence theorem."""
    return np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6


def area_of(loop):
    """Shoelace formula."""
    x, y = loop.T
    return 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))


def ngon_area(radius, count):
    return 0.5 * count * radius**2 * np.sin(2 * np.pi / count)


def frustum(low, high, height):
    """Volume between two similar sections."""
    return height / 3 * (low + high + np.sqrt(low * high))


def bodies_of(triangles):
    _, faces = faces_of(triangles)
    edges = half_edges(faces)
    count = faces.max() + 1
    return connected_components(coo_array((np.ones(len(edges)), edges.T), shape=(count, count)), directed=False)[0]


@every_sound
def test_sound_model_is_closed_and_wound_outwards(name):
    """Every edge has exactly two faces that run along it in opposite directions, and the volume is positive."""
    triangles = triangles_of(name)
    assert unmatched_edges(triangles) == 0
    assert volume_of(triangles) > 0


@every_sound
def test_sound_model_has_proper_faces(name):
    """No face is without area, no face comes twice, and normals agree with the winding."""
    facets = records(sample_bytes(name))
    _, faces = faces_of(facets["corners"])
    assert len(np.unique(np.sort(faces, axis=1), axis=0)) == len(faces)
    lengths = np.linalg.norm(facet_normals(facets["corners"]), axis=1)
    assert np.allclose(lengths, 1.0)
    assert np.allclose(facets["normal"], facet_normals(facets["corners"]), atol=1e-3)


@every_sound
def test_sound_model_never_folds_back(name):
    """No two neighbours lie on each other, as faces do that were laid the wrong way over a flat place."""
    triangles = triangles_of(name)
    _, faces = faces_of(triangles)
    edges = half_edges(faces)
    order = np.lexsort((edges.max(axis=1), edges.min(axis=1)))  # the two faces of an edge come side by side
    normals = np.tile(facet_normals(triangles), (3, 1))[order]
    assert np.min(np.sum(normals[::2] * normals[1::2], axis=1)) > np.cos(np.radians(150))


@every_sound
def test_sound_model_is_ready_for_the_printer(name):
    """A model stands on z = 0, has the size of a thing for a desk, and a file of moderate size."""
    triangles = triangles_of(name)
    extents = np.ptp(triangles.reshape(-1, 3), axis=0)
    assert triangles[..., 2].min() == 0.0
    assert np.all((extents > 10) & (extents < 150))
    assert 250 <= len(triangles) <= 30_000
    assert len(sample_bytes(name)) <= 1_500_000


@pytest.mark.parametrize("name", [name for name in SOUND if name != "chain_links.stl"])
def test_all_but_the_chain_are_one_body(name):
    """A model hangs together."""
    assert bodies_of(triangles_of(name)) == 1


def test_volume_of_the_cube():
    """20 mm cubed, less twelve chamfers, eight corners and five sunk letters."""
    letters = sum(area_of(LETTERS[letter]) for letter in "XXYYZ") * 1.2
    assert volume_of(triangles_of("calibration_cube.stl")) == pytest.approx(
        8000 - 12 * 0.5 * 18 - 8 * 5 / 6 - letters, rel=1e-6
    )


def test_volume_of_the_gear():
    """Toothed disc with broken edges, less two pockets, six holes and the bore, plus the hub."""
    outline = area_of(involute_outline(24, 2.0))
    shoulder = outline * (1 - 0.4 / 26) ** 2
    body = outline * 9.2 + 2 * frustum(outline, shoulder, 0.4) - 2 * 3 * ngon_area(24 * 0.76, 96)
    hub = 2 * 5 * ngon_area(24 * 0.36, 72) - 14 * area_of(keyed_bore(24 * 0.17))
    holes = 6 * 4 * ngon_area(24 * 0.13, 36)
    assert volume_of(gear()) == pytest.approx(body + hub - holes, rel=1e-5)


def test_teeth_of_the_gear():
    """The involute tooth is half a pitch wide at the pitch circle, as ISO 53 wants it."""
    outline = involute_outline(24, 2.0)
    radii, angles = np.hypot(*outline.T)[:8], np.arctan2(outline[:8, 1], outline[:8, 0])
    assert radii.max() == pytest.approx(26.0)
    assert 2 * abs(np.interp(24.0, radii, angles)) == pytest.approx(np.pi / 24, rel=1e-2)
    assert np.hypot(*outline.T).min() == pytest.approx(24 - 2.5)


def test_volume_of_the_bracket():
    """An L-profile along its width, less four rounded corners and four countersunk holes."""
    quarter = {radius: ngon_area(radius, count) / 4 for radius, count in ((8.0, 64), (6.0, 64), (9.0, 48))}
    profile = 2 * 44 * 5 - 25 - (64 - quarter[8.0]) + (36 - quarter[6.0])
    corners = 4 * 5 * (81 - quarter[9.0])
    hole, sink = ngon_area(2.7, 48), ngon_area(5.2, 48)
    holes = 4 * (2.5 * hole + frustum(hole, sink, 2.5))
    assert volume_of(triangles_of("bracket.stl")) == pytest.approx(40 * profile - corners - holes, rel=1e-6)


def test_honeycomb_has_its_holes():
    """A cup with 18 x 8 windows has as many handles: Euler's characteristic is 2 - 2 x 144."""
    vertices, faces = faces_of(triangles_of("honeycomb_cup.stl"))
    assert len(vertices) - len(faces) * 3 // 2 + len(faces) == 2 - 2 * 18 * 8


def test_chain_has_twelve_links():
    """Twelve bodies, each a wire of 4.4 mm bent to a link."""
    triangles = triangles_of("chain_links.stl")
    assert bodies_of(triangles) == 12
    length = 2 * 10 + 2 * np.pi * 7
    assert volume_of(triangles) == pytest.approx(12 * ngon_area(2.2, 18) * length, rel=5e-3)


def test_chain_links_hold_each_other_without_touching():
    """Each link goes once through the next (Gauss's linking number), and a millimetre is left between them."""
    links = chain_links().reshape(12, -1, 3, 3)
    lines = links[:, ::18, 0][:, ::2]  # one corner of each circle along the wire
    for number in range(12):
        near, far = lines[number], lines[(number + 1) % 12]
        assert abs(linking_number(near, far)) == pytest.approx(1.0, abs=0.1)
        clearance, _ = cKDTree(links[number].reshape(-1, 3)).query(links[(number + 1) % 12].reshape(-1, 3))
        assert clearance.min() > 1.0


def linking_number(one, other):
    """Gauss's integral over two closed lines, by the midpoint rule."""
    steps = [np.roll(line, -1, axis=0) - line for line in (one, other)]
    middles = [line + step / 2 for line, step in zip((one, other), steps, strict=True)]
    apart = middles[0][:, None] - middles[1][None]
    crossed = np.cross(steps[0][:, None], steps[1][None])
    return np.sum(apart * crossed / np.linalg.norm(apart, axis=2, keepdims=True) ** 3) / (4 * np.pi)


def test_damage_of_the_cut_files():
    """Downloads that broke off hold less than they promise, and end in the middle of something."""
    data = sample_bytes("truncated_binary.stl")
    promised = int.from_bytes(data[80:84], "little")
    assert (len(data) - 84) // 50 < promised
    assert (len(data) - 84) % 50 != 0
    text = sample_bytes("ascii_cut.stl").decode("ascii")
    assert text.startswith("solid ")
    assert "endsolid" not in text
    assert len(text.rpartition("vertex")[2].split()) == 1


def test_damage_of_what_is_no_model():
    """An empty file is empty, and a web page is HTML."""
    assert sample_bytes("empty.stl") == b""
    assert sample_bytes("web_page.stl").startswith(b"<!DOCTYPE html>")


def test_damage_of_the_comma():
    """Every number is written with a comma; with points it would be the sound cube."""
    text = sample_bytes("decimal_comma.stl").decode("ascii")
    assert "." not in text
    words = [line.split()[1:] for line in text.replace(",", ".").splitlines() if "vertex" in line]
    corners = np.array(words, dtype=np.float32).reshape(-1, 3, 3)
    assert np.array_equal(corners, records(sample_bytes("calibration_cube.stl"))["corners"])


def test_damage_of_the_open_box():
    """Two facets that share an edge are missing: four open edges around one hole."""
    triangles = triangles_of("open_box.stl")
    assert len(triangles) == 6 * 36 * 2 - 2
    assert unmatched_edges(triangles) == 4


def test_damage_of_the_inverted_bracket():
    """The bracket inside out has its volume with the other sign."""
    assert volume_of(triangles_of("inverted.stl")) == pytest.approx(-volume_of(triangles_of("bracket.stl")))


def test_damage_of_the_duplicates():
    """Sixty facets come twice."""
    corners = records(sample_bytes("duplicate_faces.stl"))["corners"]
    assert len(corners) - len(np.unique(corners.reshape(-1, 9), axis=0)) == 60


def test_damage_of_the_numbers():
    """Three facets have a corner that is no number or infinite."""
    corners = records(sample_bytes("nan_coordinates.stl"))["corners"]
    assert np.sum(~np.isfinite(corners).all(axis=(1, 2))) == 3
    assert np.isinf(corners).any()


def test_write_samples(tmp_path):
    """All files are written, into a new folder, the sound ones first, the same bytes each time."""
    samples = write_samples(tmp_path / "new" / "samples")
    assert [sample.name for sample in samples] == [*SOUND, *DAMAGED]
    assert all(sample.sound == (sample.name in SOUND) for sample in samples)
    assert sorted(path.name for path in (tmp_path / "new" / "samples").iterdir()) == sorted([*SOUND, *DAMAGED])
    first = [sample.path.read_bytes() for sample in samples]
    again = write_samples(tmp_path / "new" / "samples")
    assert again == samples
    assert [sample.path.read_bytes() for sample in again] == first


def test_samples_never_replace_other_files(tmp_path):
    """Where a file of the same name is no sample, nothing at all is written."""
    (tmp_path / "gear.stl").write_bytes(b"my own gear")
    with pytest.raises(OutputError, match=r"gear\.stl is not a sample; choose another folder") as caught:
        write_samples(tmp_path)
    assert caught.value.path == tmp_path / "gear.stl"
    assert [path.name for path in tmp_path.iterdir()] == ["gear.stl"]


def test_samples_never_follow_links(tmp_path):
    """A link of a sample's name is in the way, even one to a sample."""
    write_samples(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "gear.stl").symlink_to(tmp_path / "a" / "gear.stl")
    with pytest.raises(OutputError, match="is not a sample"):
        write_samples(tmp_path / "b")


def test_folder_that_cannot_be_made(tmp_path):
    """The error names the file that could not be written."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"cannot write .*bracket\.stl"):
        write_samples(tmp_path / "file" / "samples")
