"""What output files are called."""

import os
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stlkit.errors import OptionError
from stlkit.files import name_key
from stlkit.model.options import Material, NamingOptions, Quality, RenderOptions
from stlkit.outputs.names import MAX_BASE_BYTES, FileNameGenerator, is_safe_name, safe_base_name

MOMENT = datetime(2026, 1, 15, 10, 30, 5, tzinfo=UTC)
WINDOWS_REFUSES = set('<>:"/\\|?*')


def names_of(generator: FileNameGenerator) -> list[str]:
    return [
        generator.render_filename(),
        generator.size_chart_filename(),
        generator.color_filename("red"),
        generator.video_filename(),
        generator.analysis_filename("json.gz"),
        generator.dimensions_filename(),
        generator.validation_filename(),
        generator.repaired_filename(),
        generator.processing_log_filename(),
        generator.errors_log_filename(),
    ]


def is_a_safe_file_name(name: str) -> bool:
    return (
        0 < len(name.encode()) <= 255
        and not WINDOWS_REFUSES & set(name)
        and not any(ord(character) < 32 for character in name)
        and name[0] not in "-. "
        and name[-1] not in ". "
        and unicodedata.is_normalized("NFC", name)
        and Path("/base", name).parent == Path("/base")
    )


def test_names_without_options():
    """Without options, names are those of the specification."""
    assert names_of(FileNameGenerator("ModelA", NamingOptions())) == [
        "ModelA_render.png",
        "ModelA_size_chart.png",
        "ModelA_red.png",
        "ModelA_presentation.mp4",
        "ModelA_analysis.json.gz",
        "ModelA_dimensions.json",
        "ModelA_validation.json",
        "ModelA_repaired.stl",
        "ModelA_processing.log",
        "ModelA_errors.log",
    ]
    assert FileNameGenerator("ModelA", NamingOptions()).file_info() == "file_info.json"


@pytest.mark.parametrize(
    ("options", "picture", "document"),
    [
        ({"include_quality": True}, "ModelA_render_high.png", "ModelA_analysis.json"),
        ({"include_material": True}, "ModelA_render_resin.png", "ModelA_analysis.json"),
        ({"include_size": True}, "ModelA_render_1920x1080.png", "ModelA_analysis.json"),
        ({"include_timestamp": True}, "ModelA_render_20260115_103005.png", "ModelA_analysis_20260115_103005.json"),
        ({"custom_prefix": "shop"}, "shop_ModelA_render.png", "shop_ModelA_analysis.json"),
        ({"custom_prefix": "shop-"}, "shop-ModelA_render.png", "shop-ModelA_analysis.json"),
    ],
)
def test_each_naming_option(options, picture, document):
    """Quality, material and size mark pictures only; the time and the prefix mark every file."""
    render = RenderOptions(quality=Quality.HIGH, material=Material.RESIN)
    generator = FileNameGenerator("ModelA", NamingOptions(**options), render=render, moment=MOMENT)
    assert generator.render_filename() == picture
    assert generator.video_filename() == picture.replace("_render", "_presentation").replace(".png", ".mp4")
    assert generator.analysis_filename() == document


def test_every_combination_of_naming_options():
    """Parts that are asked for stand in one order, and parts that are not leave no gap."""
    marks = ("include_quality", "include_material", "include_size", "include_timestamp")
    texts = ("standard", "plastic", "4k", "20260115_103005")
    render = RenderOptions(width=3840, height=2160)
    for prefix, *chosen in product(("", "shop"), *[(False, True)] * 4):
        options = NamingOptions(custom_prefix=prefix, **dict(zip(marks, chosen, strict=True)))
        wanted = [text for text, is_wanted in zip(texts, chosen, strict=True) if is_wanted]
        expected = "_".join([*([prefix] if prefix else []), "ModelA", "size_chart", *wanted]) + ".png"
        assert FileNameGenerator("ModelA", options, render=render, moment=MOMENT).size_chart_filename() == expected


def test_time_stamp_is_utc():
    """A moment of another time zone is written in UTC."""
    moment = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    generator = FileNameGenerator("A", NamingOptions(include_timestamp=True), moment=moment)
    assert generator.render_filename() == "A_render_20260115_103005.png"


def test_time_stamp_is_now_unless_given():
    """Without a moment, the time stamp is the current time, the same for all files of one generator."""
    before = f"{datetime.now(UTC):%Y%m%d_%H%M%S}"
    generator = FileNameGenerator("A", NamingOptions(include_timestamp=True))
    stamp = generator.render_filename().removeprefix("A_render_").removesuffix(".png")
    assert before <= stamp <= f"{datetime.now(UTC):%Y%m%d_%H%M%S}"
    assert generator.repaired_filename() == f"A_repaired_{stamp}.stl"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("red", "V_red.png"),
        ("#FF8800", "V_ff8800.png"),
        ("coral reef=#ff7f50", "V_coral reef.png"),
        ("dark_red=#8b0000", "V_dark-red.png"),
        ("../../etc=#000000", "V_etc.png"),
    ],
)
def test_color_names(entry, name):
    """A colour's name stands in the file name, made safe, and never holds the separator of the parts."""
    assert FileNameGenerator("V", NamingOptions()).color_filename(entry) == name


def test_colors_never_meet_other_files():
    """Colours that would come out alike, or like another picture, keep names of their own."""
    palette = ("a/b=#000001", "a:b=#000002", "a_b=#000003", "a-b=#000004", "render=#000005", "size_chart=#000006")
    generator = FileNameGenerator("V", NamingOptions(), render=RenderOptions(color_palette=palette))
    names = [generator.color_filename(entry) for entry in palette]
    names += [generator.render_filename(), generator.size_chart_filename()]
    assert len({name_key(name) for name in names}) == len(names)


def test_unknown_extension_is_refused():
    """An extension that is empty or absurdly long is an error of the caller."""
    generator = FileNameGenerator("A", NamingOptions())
    for extension in ("", "..", "x" * 40):
        with pytest.raises(OptionError, match="cannot end in"):
            generator.analysis_filename(extension)


NASTY = {
    "ModelA.stl": "ModelA",
    "ModelA.STL": "ModelA",
    "model.v2.stl": "model.v2",
    "My  model (final).stl": "My  model (final)",
    "Bob's “best” model.stl": "Bob's “best” model",
    "🐉 dragon 👩‍🚀.stl": "🐉 dragon 👩‍🚀",
    "龍の置物.stl": "龍の置物",
    "тест.stl": "тест",
    "نموذج.stl": "نموذج",
    "cafe\u0301.stl": "café",
    "-rf.stl": "_rf",
    ".hidden.stl": "_hidden",
    "....stl": "unnamed",
    ".stl": "unnamed",
    " .stl": "unnamed",
    "ends in dots...stl": "ends in dots",
    "ends in space .stl": "ends in space",
    "line\nfeed\ttab\x7f.stl": "line_feed_tab_",
    'a<b>c:d"e\\f|g?h*i.stl': "a_b_c_d_e_f_g_h_i",
    "CON.stl": "_CON",
    "nul.stl": "_nul",
    "Com1.stl": "_Com1",
    "lpt¹.stl": "_lpt¹",
    "aux.part.stl": "_aux.part",
    "con .x.stl": "_con .x",
    "console.stl": "console",
    "COM10.stl": "COM10",
    "gnp\u202egpj.stl": "gnp_gpj",
    "$(rm -rf ~);.stl": "$(rm -rf ~);",
    "%PATH%.stl": "%PATH%",
    os.fsdecode(b"caf\xe9.stl"): "caf_",
}


@pytest.mark.parametrize(("file_name", "base"), NASTY.items(), ids=map(ascii, NASTY))
def test_nasty_file_names(file_name, base):
    """What a name can keep it keeps; what some system refuses becomes an underscore."""
    assert safe_base_name(Path("/folder", file_name)) == base
    assert is_safe_name(base)


def test_names_of_folders_that_are_no_files():
    """Even a path without a name gives a base name."""
    assert safe_base_name(Path("/")) == "unnamed"
    assert safe_base_name(Path("..")) == "unnamed"


def test_long_names_stay_distinct():
    """Names of 255 bytes are cut at a character and keep a digest, so that two that end differently stay two."""
    one, other = (Path(f"{'é' * 125}{end}.stl") for end in "ab")
    assert len(one.name.encode()) == 255
    assert safe_base_name(one) != safe_base_name(other)
    assert safe_base_name(one).startswith("é" * 80)
    assert len(safe_base_name(one).encode()) <= MAX_BASE_BYTES


@pytest.mark.parametrize(
    "name", ["", "..", ".", "a/b", "a\\b", "-x", "a.", " a", "NUL", "x" * 300, "e\u0301", "\udce9"]
)
def test_names_that_nobody_gave(name):
    """A name read from an edited file is only believed where it could have been given."""
    assert not is_safe_name(name)


@settings(deadline=None)  # a busy machine is no defect
@given(st.binary(max_size=300).map(os.fsdecode) | st.text(max_size=300))
@example("\ud800")
@example("\u0338.stl")
@example("." * 300)
def test_any_name_becomes_safe(file_name):
    """Any bytes and any text become one name that is safe everywhere, the same each time."""
    path = Path(file_name) if "\0" not in file_name else Path(file_name.replace("\0", "\x01"))
    name = safe_base_name(path)
    assert is_a_safe_file_name(name)
    assert len(name.encode()) <= MAX_BASE_BYTES
    assert is_safe_name(name)
    assert safe_base_name(path) == name == safe_base_name(Path(f"{name}.stl"))


@settings(deadline=None)  # a busy machine is no defect
@given(
    base=st.text(max_size=100) | st.text(alphabet="é龍🐉a.", min_size=80, max_size=200),
    prefix=st.text(max_size=64)
    | st.text(alphabet="🐉", min_size=60, max_size=64)
    | st.sampled_from(["con.", "../", "a\\"]),
    everything=st.booleans(),
    color=st.text(max_size=100),
)
def test_any_parts_make_safe_names(base, prefix, everything, color):
    """Whatever prefix, base and colour are, every name is safe, fits in 255 bytes, and is a name of its own."""
    options = NamingOptions(
        include_timestamp=everything,
        include_quality=everything,
        include_material=everything,
        include_size=everything,
        custom_prefix=prefix,
    )
    generator = FileNameGenerator(base, options, render=RenderOptions(width=8192, height=8192), moment=MOMENT)
    names = [*names_of(generator), generator.color_filename(color if color.strip() else "x")]
    assert all(is_a_safe_file_name(name) for name in names), names
    assert len({name_key(name) for name in names[:-1]}) == len(names) - 1
    assert all(name.startswith(generator.stem) for name in names)


def test_long_bases_stay_distinct_in_file_names():
    """Where a prefix leaves little room, the base is cut alike in all files, and two models stay two."""
    options = NamingOptions(custom_prefix="🐉" * 64, include_timestamp=True, include_size=True)
    one, other = (FileNameGenerator("m" * 170 + end, options, moment=MOMENT) for end in "ab")
    assert not set(names_of(one)) & set(names_of(other))
    assert len({name.rpartition("_render")[0] for name in names_of(one)[:1]}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("ModelA", "MODELA"), ("café", "cafe\u0301"), ("CAFE\u0301", "café"), ("straße", "STRASSE")]
)
def test_names_that_some_file_systems_mix_up(one, other):
    """Case and composition make no difference to the key of a name."""
    assert name_key(one) == name_key(other)
