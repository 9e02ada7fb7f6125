"""Options: valid by construction, one source for every face of stlkit."""

import dataclasses

import pytest

from stlkit.errors import OptionError
from stlkit.model.colors import FILAMENT_COLORS, color_name, parse_color
from stlkit.model.descriptions import describe_options
from stlkit.model.options import (
    CleanupOptions,
    Material,
    NamingOptions,
    OptionKind,
    OutputSettings,
    QueueSettings,
    RenderOptions,
    ValidationOptions,
    parse_option,
)

GROUPS = (RenderOptions, ValidationOptions, OutputSettings, QueueSettings, CleanupOptions)


@pytest.mark.parametrize(
    ("group", "values", "named"),
    [
        (RenderOptions, {"width": 15}, "16"),
        (RenderOptions, {"width": "1920"}, "Expected a whole number, got text"),
        (RenderOptions, {"height": 8193}, "8192"),
        (RenderOptions, {"material": "gold"}, "plastic, metal, resin, ceramic, wood, glass"),
        (RenderOptions, {"lighting": None}, "studio"),
        (RenderOptions, {"generate_video": 1}, "yes or no"),
        (RenderOptions, {"background_color": "no such"}, "not a colour"),
        (RenderOptions, {"color": "#12345"}, "not a colour"),
        (RenderOptions, {"color_palette": ()}, "1"),
        (RenderOptions, {"color_palette": ("red", "Red")}, "one name"),
        (RenderOptions, {"video_duration": 0.0}, "0"),
        (ValidationOptions, {"density_g_cm3": -1.0}, "0"),
        (OutputSettings, {"organization": "nested"}, "per_stl, flat, by_type"),
        (QueueSettings, {"max_concurrent_jobs": 0}, "1"),
    ],
)
def test_a_wrong_value_is_refused_with_the_option_and_what_would_be_right(group, values, named):
    """The error names the field, and the message says what fits."""
    with pytest.raises(OptionError, match=named) as caught:
        group(**values)
    assert caught.value.field == next(iter(values))


def test_texts_become_the_options_own_types():
    """JSON texts are as good as enum members."""
    assert RenderOptions(material="metal").material is Material.METAL
    assert RenderOptions(color_palette=["red", "teal"]).color_palette == ("red", "teal")


def test_overrides_win_and_unknown_names_are_refused_with_the_nearest():
    """A job's own options go over the queue's."""
    assert RenderOptions(width=640).merged({"height": 480}) == RenderOptions(width=640, height=480)
    with pytest.raises(OptionError, match="did you mean 'generate_video'"):
        RenderOptions().merged({"generate_vidoe": True})


def test_what_differs_can_be_merged_back():
    """Overrides are the difference between two groups, and nothing else."""
    base, wanted = RenderOptions(width=640), RenderOptions(width=640, material="wood")
    assert wanted.differing_from(base) == {"material": Material.WOOD}
    assert base.merged(wanted.differing_from(base)) == wanted


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_is_described(group):
    """A form has a title, a sentence and the default of each option, in the order of their declaration."""
    described = describe_options(group)
    assert [option.name for option in described] == [field.name for field in dataclasses.fields(group)]
    assert all(option.help.endswith(".") and option.title[:1].isupper() for option in described)
    assert [option.default for option in described] == [getattr(group(), option.name) for option in described]


@pytest.mark.parametrize(
    ("group", "name", "facts"),
    [
        (RenderOptions, "generate_video", {"kind": OptionKind.FLAG}),
        (RenderOptions, "width", {"kind": OptionKind.INTEGER, "least": 16, "most": 8192, "title": "Width, px"}),
        (RenderOptions, "video_duration", {"kind": OptionKind.NUMBER, "above": 0, "most": 120, "least": None}),
        (RenderOptions, "material", {"kind": OptionKind.CHOICE, "choices": tuple(Material)}),
        (RenderOptions, "color", {"kind": OptionKind.COLOR, "optional": True, "default": None}),
        (RenderOptions, "color_palette", {"kind": OptionKind.COLORS, "optional": False}),
        (RenderOptions, "background_image", {"kind": OptionKind.PICTURE, "optional": True}),
        (OutputSettings, "custom_prefix", {"kind": OptionKind.TEXT, "optional": False}),
        (QueueSettings, "job_timeout_s", {"kind": OptionKind.NUMBER, "above": 0, "optional": True}),
    ],
)
def test_a_description_says_what_an_option_takes(group, name, facts):
    """Kind, choices, bounds, and whether there may be no value come from the option's own type."""
    (option,) = (option for option in describe_options(group) if option.name == name)
    assert {fact: getattr(option, fact) for fact in facts} == facts


def test_output_settings_are_naming_options():
    """A file name generator takes either."""
    assert isinstance(OutputSettings(), NamingOptions)


@pytest.mark.parametrize(
    ("group", "name", "text", "value"),
    [
        (RenderOptions, "width", "800", 800),
        (RenderOptions, "generate_video", "yes", True),
        (RenderOptions, "generate_image", "FALSE", False),
        (RenderOptions, "video_duration", "2.5", 2.5),
        (RenderOptions, "color", "none", None),
        (RenderOptions, "color", "teal", "teal"),
        (RenderOptions, "color_palette", "red, coral=#ff7f50", ("red", "coral=#ff7f50")),
        (QueueSettings, "job_timeout_s", "none", None),
        (QueueSettings, "job_timeout_s", "20", 20.0),
        (OutputSettings, "custom_prefix", "shop_", "shop_"),
        (ValidationOptions, "level", "strict", "strict"),
    ],
)
def test_options_are_read_from_text(group, name, text, value):
    """The command line's key=value gives the same values as Python."""
    assert parse_option(group, name, text) == value


@pytest.mark.parametrize(("name", "text"), [("width", "wide"), ("generate_image", "perhaps"), ("width", "3")])
def test_text_that_does_not_fit_is_refused(name, text):
    """The message repeats what was typed."""
    with pytest.raises(OptionError, match=text):
        parse_option(RenderOptions, name, text)


def test_colours_have_values_and_names_for_files():
    """Names, numbers and named numbers are understood."""
    assert parse_color("#FF7f50") == parse_color("my coral=#ff7f50") == (255, 127, 80)
    assert parse_color("teal") == (0, 128, 128)
    assert parse_color("red") == parse_color(FILAMENT_COLORS["red"]) != (255, 0, 0)
    assert [color_name(text) for text in ("Red", "#FF8800", "my coral=#ff7f50")] == ["red", "ff8800", "my coral"]
