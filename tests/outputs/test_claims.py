"""Which model has which name."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest

from stlkit.files import name_key
from stlkit.model.options import Organization, OutputSettings
from stlkit.outputs.claims import OutputNames
from stlkit.outputs.failed import record_failure
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.placing import place_json, place_text
from stlkit.outputs.signature import is_signed
from stlkit.outputs.summary import write_summary

PER_STL = OutputSettings()
FLAT = OutputSettings(organization=Organization.FLAT)
BY_TYPE = OutputSettings(organization=Organization.BY_TYPE)
every_layout = pytest.mark.parametrize("settings", [PER_STL, FLAT, BY_TYPE], ids=["per_stl", "flat", "by_type"])


@every_layout
def test_first_claim_is_the_file_s_own_name(base, settings):
    """A model is called like its file."""
    assert OutputNames(base).claim(Path("/a/ModelA.stl"), settings) == "ModelA"


@every_layout
def test_names_that_a_file_system_cannot_tell_apart(base, settings):
    """Names that differ in case or composition only are numbered, whatever the folders of the files."""
    names = OutputNames(base)
    files = (
        "/a/ModelA.stl",
        "/a/modela.stl",
        "/a/MODELA.STL",
        "/b/ModelA.stl",
        "/a/caf\u00e9.stl",
        "/a/CAFE\u0301.stl",
    )
    claimed = [names.claim(Path(file), settings) for file in files]
    assert claimed == ["ModelA", "modela_2", "MODELA_3", "ModelA_4", "café", "CAFÉ_2"]


def test_same_file_same_name(base):
    """A file that comes again gets the name that it has."""
    names = OutputNames(base)
    assert [names.claim(Path(f"/{folder}/m.stl"), PER_STL) for folder in "aba"] == ["m", "m_2", "m"]


def test_names_in_the_queue_count(base):
    """Names of jobs in the queue belong to their files."""
    names = OutputNames(base)
    names.take({"m": Path("/a/m.stl"), "m_3": Path("/c/m.stl")})
    assert names.claim(Path("/b/m.stl"), PER_STL) == "m_2"
    assert names.claim(Path("/c/m.stl"), PER_STL) == "m_3"
    assert names.claim(Path("/d/m.stl"), PER_STL) == "m_4"


def test_numbered_name_of_another_file(base):
    """A number is passed over where a file is really called that."""
    names = OutputNames(base)
    assert names.claim(Path("/a/m_2.stl"), PER_STL) == "m_2"
    assert names.claim(Path("/a/m.stl"), PER_STL) == "m"
    assert names.claim(Path("/b/m.stl"), PER_STL) == "m_3"


@every_layout
def test_summary_of_an_earlier_run_counts(base, settings, make_job):
    """Names of earlier runs stay with their files, and other files get others."""
    write_summary(base, [make_job("m_2", stl_path=Path("/b/m.stl")), make_job("m", stl_path=Path("/a/m.stl"))])
    names = OutputNames(base)
    assert names.claim(Path("/c/M.stl"), settings) == "M_3"
    assert names.claim(Path("/b/m.stl"), settings) == "m_2"
    assert names.claim(Path("/a/m.stl"), settings) == "m"


def test_two_names_of_one_file_both_stay_taken(base, make_job):
    """Where one file had two names, the first is its own and the other is nobody else's."""
    write_summary(base, [make_job("m"), make_job("m_2", stl_path=Path("/models/m.stl"))])
    names = OutputNames(base)
    assert names.claim(Path("/other/m.stl"), PER_STL) == "m_3"
    assert names.claim(Path("/models/m.stl"), PER_STL) == "m"


def test_claim_of_the_queue_beats_the_summary(base, make_job):
    """A name that the queue gave meanwhile is not given again because an old summary says so."""
    write_summary(base, [make_job("m", stl_path=Path("/a/m.stl"))])
    names = OutputNames(base)
    names.take({"M": Path("/b/M.stl")})
    assert names.claim(Path("/a/m.stl"), PER_STL) == "m_2"


def test_model_folder_tells_its_file(base):
    """Without a summary, a model's folder belongs to the file that its file_info.json names."""
    for name, source in (("m", "/a/m.stl"), ("m_2", "/b/m.stl")):
        place_json(base / name / "source" / "file_info.json", {"stl_path": source}, within=base)
    names = OutputNames(base)
    assert names.claim(Path("/b/m.stl"), PER_STL) == "m_2"
    assert names.claim(Path("/c/m.stl"), PER_STL) == "m_3"
    assert names.claim(Path("/a/m.stl"), PER_STL) == "m"


@pytest.mark.parametrize("info", [None, b"", b"[]", b"{}", b'{"stl_path": 1}', b"\xff\xfe"])
def test_foreign_folder_is_left_alone(base, info):
    """A folder that names no file, or no longer can, is somebody else's."""
    (base / "MODELa" / "source").mkdir(parents=True)
    if info is not None:
        (base / "MODELa" / "source" / "file_info.json").write_bytes(info)
    assert OutputNames(base).claim(Path("/a/ModelA.stl"), PER_STL) == "ModelA_2"


def test_foreign_file_where_a_folder_would_be(base):
    """A file, and a link that leads nowhere, are in the way as well."""
    (base / "m").write_text("mine")
    (base / "m_2").symlink_to("/nowhere")
    assert OutputNames(base).claim(Path("/a/m.stl"), PER_STL) == "m_3"
    assert OutputNames(base).claim(Path("/a/m.stl"), FLAT) == "m"


@pytest.mark.parametrize(
    "name",
    [
        "M_render.png",
        "m_render_draft_20260115_103005.png",
        "m_size_chart.png",
        "m_presentation.mp4",
        "m_red.png",
        "m_ff8800.png",
        "m_analysis.json",
        "m_validation.json.gz",
        "m_repaired.stl",
        "m_errors.log",
    ],
)
def test_foreign_files_in_a_shared_folder(base, name):
    """In the flat layout, files that could be a model's outputs keep their name from being given."""
    (base / name).write_text("mine")
    assert OutputNames(base).claim(Path("/a/m.stl"), FLAT) == "m_2"
    assert OutputNames(base).claim(Path("/a/m.stl"), PER_STL) == "m"


def test_files_that_are_in_nobodys_way(base):
    """Sources and photographs beside the outputs change no name."""
    for name in ("m.stl", "m_1.stl", "m_photo.png", "m.png", "m_notes.json"):
        (base / name).write_text("mine")
    assert OutputNames(base).claim(base / "m.stl", FLAT) == "m"


def test_foreign_files_in_the_folders_by_type(base):
    """The layout by type looks into its own folders."""
    (base / "renders").mkdir()
    (base / "renders" / "m_render.png").write_text("mine")
    assert OutputNames(base).claim(Path("/a/m.stl"), BY_TYPE) == "m_2"
    assert OutputNames(base).claim(Path("/a/m.stl"), FLAT) == "m"


def test_prefix_counts_in_a_shared_folder(base):
    """What is in the way depends on the prefix that the files will have."""
    (base / "shop_m_render.png").write_text("mine")
    with_prefix = OutputSettings(organization=Organization.FLAT, custom_prefix="shop")
    assert OutputNames(base).claim(Path("/a/m.stl"), with_prefix) == "m_2"
    assert OutputNames(base).claim(Path("/a/m.stl"), FLAT) == "m"


@pytest.mark.parametrize("name", ["failed", "FAILED", "queue_summary.json", "processing_log.txt"])
def test_reserved_names(base, name):
    """No model is called like something that every output folder has."""
    assert OutputNames(base).claim(Path("/a", f"{name}.stl"), PER_STL) == f"{name}_2"


@pytest.mark.parametrize("name", ["../../etc", "/etc", "..", "a/b", ""])
def test_edited_summary_leads_nowhere(base, make_job, name):
    """A name in the summary that leads out of the folder is not believed."""
    write_summary(base, [make_job("m")])
    text = (base / "queue_summary.json").read_text()
    (base / "queue_summary.json").write_text(text.replace('"name": "m"', f'"name": {json.dumps(name)}'))
    assert OutputNames(base).claim(Path("/models/m.stl"), PER_STL) == "m"


def test_damaged_summary_is_as_good_as_none(base):
    """A summary that cannot be read gives no names and no error."""
    (base / "queue_summary.json").write_bytes(b'{"models": [')
    assert OutputNames(base).claim(Path("/a/m.stl"), PER_STL) == "m"


def test_missing_base_folder(tmp_path):
    """The output folder need not exist."""
    assert OutputNames(tmp_path / "not yet").claim(Path("/a/m.stl"), FLAT) == "m"


def test_name_that_is_no_utf_8(base):
    """A file whose name is no UTF-8 keeps its name over runs, and a similar one gets another."""
    one, other = (Path("/models", f"caf{byte}.stl") for byte in ("\udce9", "\udce8"))
    info = {"stl_path": str(one)}
    place_json(base / "caf_" / "source" / "file_info.json", info, within=base)
    names = OutputNames(base)
    assert names.claim(other, PER_STL) == "caf__2"
    assert names.claim(one, PER_STL) == "caf_"


def recorded(base, name, stl_path, content):
    """A model's folder as an earlier run left it."""
    info = {"stl_path": str(stl_path), "stl_size": len(content), "stl_checksum": hashlib.sha256(content).hexdigest()}
    place_json(base / name / "source" / "file_info.json", info, within=base)


def test_a_model_keeps_its_name_where_its_folder_was_moved(base, tmp_path):
    """Content and name say which one it is, its number too; none gets it while the file itself is there."""
    here = tmp_path / "moved"
    for number in (1, 2):
        (here / str(number)).mkdir(parents=True)
        (here / str(number) / "part.stl").write_bytes(b"%d" % number)
    recorded(base, "part", tmp_path / "gone" / "1" / "part.stl", b"1")
    recorded(base, "part_2", tmp_path / "gone" / "2" / "part.stl", b"2")
    names = OutputNames(base)
    assert [names.claim(here / f"{number}" / "part.stl", PER_STL) for number in (2, 1)] == ["part_2", "part"]
    (here / "copy.stl").write_bytes(b"1")
    recorded(base, "copy", here / "1" / "part.stl", b"1")
    assert OutputNames(base).claim(here / "copy.stl", PER_STL) == "copy_2", "its file is still there"
    (tmp_path / "part.stl").write_bytes(b"3")
    assert OutputNames(base).claim(tmp_path / "part.stl", PER_STL) == "part_3", "another model"
    assert OutputNames(base).claim(tmp_path / "no" / "part.stl", PER_STL) == "part_3", "nobody can read it"


@every_layout
def test_ten_thousand_claims(base, settings, make_job):
    """Ten thousand files, half of them with one name, get a name of their own each."""
    write_summary(base, [make_job(f"old{number}") for number in range(1000)])
    files = [Path(f"/{number}/part.stl" if number % 2 else f"/a/m{number}.stl") for number in range(10_000)]
    names = OutputNames(base)
    claimed = [names.claim(file, settings) for file in files]
    assert len({name_key(name) for name in claimed}) == 10_000


NASTY = [
    b"-rf.stl",
    b"...stl",
    b"a\\b|c?.stl",
    b"line\nfeed.stl",
    b"caf\xe9 \xff.stl",
    b"NUL.stl",
    b"'quoted' \"twice\".stl",
    "🐉 dragon.stl".encode(),
    "é".encode() * 125 + b"x.stl",
    b"failed.stl",
]


@every_layout
def test_any_file_on_a_disk_has_its_outputs(base, tmp_path, settings):
    """Files with names as nasty as the disk takes them get all their outputs, each inside the output folder."""
    sources = [tmp_path / "in" / os.fsdecode(name) for name in NASTY]
    (tmp_path / "in").mkdir()
    names = OutputNames(base)
    for source in sources:
        source.write_bytes(os.fsencode(source.name))
        everything = dataclasses.replace(settings, custom_prefix="../x", include_timestamp=True, include_size=True)
        layout = OutputLayout(base_folder=base, output_name=names.claim(source, everything), settings=everything)
        for path in (layout.render, layout.color_variation("red"), layout.repaired, layout.errors_log):
            place_text(path, source.name, within=base)
            assert base in path.parents
        link, log = record_failure(layout, source, "broken")
        assert link.read_bytes() == os.fsencode(source.name)
        assert is_signed(log, source)
    files = [path for path in base.rglob("*") if not path.is_dir()]
    assert len(files) == 6 * len(NASTY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
