"""Templates: names as typed, files as any disk takes them, and nothing lost that somebody else put there."""

import json
import logging
import os
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stlkit.errors import TemplateError
from stlkit.files import is_device_name
from stlkit.model.options import OutputSettings, RenderOptions
from stlkit.model.templates import BUILT_IN_TEMPLATES, QueueTemplate
from stlkit.storage.template_files import file_stems
from stlkit.storage.templates import TemplateManager

EXAMPLES = Path(__file__).with_name("examples")

NAMES = [
    "../Étsy ⁄ Fotos", "🐉", "..", "/", "a/b\\c:d", "CON", "nul", "com1", "x" * 300, "𝒜" * 300, "魚" * 300, "ß" * 300,
    "-rf", ".hidden", "line\nfeed", "\u202egnp.", "[red]x[/]", "<b>x</b>", "\udcff", "Ω ", " padded ", "a.json",
]  # fmt: skip


@pytest.fixture
def templates(tmp_path):
    manager = TemplateManager(tmp_path / "home" / "templates")
    manager.install_built_in()
    return manager


def test_the_built_in_templates_have_their_documented_names_and_files(templates):
    """Six templates, by title and by file name."""
    assert templates.list_templates() == [
        "Batch Analysis", "Complete Processing", "Default Render", "High Quality Renders", "Quick Preview",
        "Validation Only",
    ]  # fmt: skip
    assert {path.stem for path in templates.folder.glob("*.json")} == set(BUILT_IN_TEMPLATES)
    assert templates.load_template("complete processing") == templates.load_template("complete_processing")
    everything = templates.load_template("Complete Processing").render_options
    assert everything.generate_image and everything.generate_size_chart and everything.generate_video
    assert everything.generate_color_variations
    assert not templates.load_template("Batch Analysis").render_options.draws


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_template_comes_back_under_the_name_that_was_typed(templates, name):
    """Any text is a name, is shown as typed, and never becomes a path."""
    template = QueueTemplate(name=name, render_options=RenderOptions(width=800))
    path = templates.save_template(template)
    assert path.parent == templates.folder
    assert templates.load_template(name) == template
    assert templates.load_template(path.stem) == template
    assert name in templates.list_templates()


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=500).filter(str.strip))
@example("CON")
@example("lpt¹")
@example("quick preview!")
def test_a_file_name_is_one_that_every_disk_takes(name):
    """Short, no device, no separator, no odd ends; and the same for every way to type the name."""
    stems = file_stems(name)
    for stem in stems:
        assert 0 < len(f"{stem}.json".encode()) <= 150
        assert not is_device_name(stem)
        assert not set(stem) & set('/\\:*?"<>|. \0')
        assert stem.strip(" .") == stem
    assert len(set(stems)) == len(stems)
    assert file_stems(unicodedata.normalize("NFD", f" {name}\t")) == stems


def test_names_that_differ_only_in_what_file_names_drop_are_kept_apart(templates):
    """Each has a file of its own and finds it again; so do names that differ only far out."""
    names = [
        "shop/a",
        "shop a",
        "shop-a",
        "shop?a",
        "🐉",
        "🦄",
        "..",
        "x" * 300,
        "x" * 300 + "y",
        "Quick-Preview",
        "quick preview!",
    ]
    for width, name in enumerate(names, start=100):
        templates.save_template(QueueTemplate(name=name, render_options=RenderOptions(width=width)))
    assert [templates.load_template(name).render_options.width for name in names] == list(range(100, 100 + len(names)))
    assert len(list(templates.folder.iterdir())) == len(names) + len(BUILT_IN_TEMPLATES)
    assert templates.load_template("Quick Preview") == BUILT_IN_TEMPLATES["quick_preview"]


def test_upper_and_lower_case_are_one_name(templates):
    """Saving under another case replaces, and the newest way to write it is shown."""
    first = templates.save_template(QueueTemplate(name="My Shop"))
    assert templates.save_template(QueueTemplate(name="MY SHOP")) == first
    assert "MY SHOP" in templates.list_templates()
    assert "My Shop" not in templates.list_templates()


def test_a_file_that_came_in_by_hand_is_found_by_its_title_and_kept_where_it_is(templates):
    """Whatever its own name is, and even if another template's name leads to it."""
    path = templates.folder / "from a friend.json"
    path.write_text('{"version": "1.0", "name": "Etsy"}')
    assert templates.save_template(replace(templates.load_template("etsy"), description="mine")) == path
    (templates.folder / "wood.json").write_text('{"version": "1.0", "name": "Oak"}')
    assert templates.save_template(QueueTemplate(name="Wood")).stem.startswith("wood-")
    assert templates.load_template("wood").name == "Wood"
    assert templates.load_template("oak").name == "Oak"


def test_the_file_of_a_built_in_template_is_its_own(templates):
    """No other template gets it, even while it is gone."""
    (templates.folder / "quick_preview.json").unlink()
    assert templates.save_template(QueueTemplate(name="quick/preview")).stem != "quick_preview"
    templates.install_built_in()
    assert len(templates.list_templates()) == len(BUILT_IN_TEMPLATES) + 1


@pytest.mark.parametrize("name", ["", "  \n", "x" * 501, "default_render", " Quick_PREVIEW"])
def test_what_cannot_be_a_name_is_refused(templates, name):
    """Nothing at all, a book, and what a built-in template's file is called; nothing has changed."""
    templates.save_template(QueueTemplate(name="Mine"))
    for refused in (
        lambda: templates.save_template(QueueTemplate(name=name)),
        lambda: templates.rename_template("Mine", name),
        lambda: templates.duplicate_template("Mine", name or " "),
    ):
        with pytest.raises(TemplateError) as caught:
            refused()
        assert caught.value.field == "name"
    assert len(templates.list_templates()) == len(BUILT_IN_TEMPLATES) + 1


def test_the_file_name_of_a_built_in_template_means_that_one(templates):
    """Whatever title a file that came in by hand has; that one is found by its own file's name, and renamed."""
    (templates.folder / "friend.json").write_text('{"version": "1.0", "name": "default_render"}')
    assert templates.load_template("default_render") == BUILT_IN_TEMPLATES["default_render"]
    assert templates.rename_template("friend", "Friend").name == "Friend"
    assert templates.load_template("Default_Render") == BUILT_IN_TEMPLATES["default_render"]
    assert templates.list_templates().count("Friend") == 1


@pytest.mark.parametrize(
    ("change", "field", "named"),
    [
        ({"name": 3}, "name", "got int"),
        ({"name": ""}, "name", "length"),
        ({"render_options": {"width": 3}}, "render_options.width", ">= 16"),
        ({"render_options": {"material": "jelly"}}, "render_options.material", "plastic, metal"),
        ({"render_options": {"color": "no such"}}, "render_options.color", "no such"),
        ({"render_options": {"color_palette": ["red", 3]}}, "render_options.color_palette", "got a whole number"),
        ({"validation_options": []}, "validation_options", "got array"),
        ({"output_settings": {"custom_prefix": None}}, "output_settings.custom_prefix", "got none"),
        ({"created_at": "yesterday"}, "created_at", "datetime"),
    ],
)
def test_what_does_not_fit_is_named_with_its_field(templates, change, field, named):
    """The error says which file, which field, and what would be right."""
    path = templates.folder / "mine.json"
    path.write_text(json.dumps({"version": "1.0", "name": "Mine"} | change))
    with pytest.raises(TemplateError, match=named) as caught:
        templates.load_template("mine")
    assert caught.value.field == field
    assert f"{path} cannot be used: {field}: " in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", "3", "\0"])
def test_what_is_no_template_is_named_with_its_file_and_never_replaced(templates, content):
    """It may be a template that a person is mending."""
    path = templates.folder / "mine.json"
    path.write_text(content)
    with pytest.raises(TemplateError, match="mend or delete"):
        templates.load_template("mine")
    with pytest.raises(TemplateError, match=r"mine\.json"):
        templates.save_template(QueueTemplate(name="Mine"))
    assert path.read_text() == content


def test_a_damaged_template_is_told_once_and_hides_no_other(templates, caplog):
    """The list goes past it; a log line and `problems` say what is wrong."""
    (templates.folder / "a\nb.json").write_text("{")
    with caplog.at_level(logging.WARNING):
        assert len(templates.list_templates()) == len(BUILT_IN_TEMPLATES)
    (problem,) = templates.problems()
    (line,) = caplog.messages
    assert "cannot be used" in problem
    assert "\n" not in line


def test_what_this_version_does_not_know_is_kept_in_its_place(templates):
    """Beside the groups and inside them, through loading, changing, renaming, copying and passing on."""
    document = {
        "version": "1.7",
        "name": "Later",
        "render_options": {"width": 800, "shader": {"toon": [1, 2]}},
        "output_settings": {"zip": True},
        "rating": 5,
        "unknown": {"odd": "name"},
    }
    (templates.folder / "later.json").write_text(json.dumps(document))
    templates.save_template(replace(templates.load_template("later"), render_options=RenderOptions(width=900)))
    templates.rename_template("later", "Even Later")
    templates.duplicate_template("even later", "Copy")
    templates.export_templates(templates.folder.parent / "out.stlkit", ["copy"])
    templates.delete_template("copy")
    templates.import_templates(templates.folder.parent / "out.stlkit")
    for stem in ("even_later", "copy"):
        kept = json.loads((templates.folder / f"{stem}.json").read_text())
        assert (kept["version"], kept["rating"], kept["unknown"]) == ("1.7", 5, {"odd": "name"})
        assert kept["render_options"]["shader"] == {"toon": [1, 2]}
        assert kept["render_options"]["width"] == 900
        assert kept["output_settings"]["zip"] is True


# --- delete, rename, duplicate, reset ---


def test_a_deleted_template_is_gone(templates):
    """By its title as by its file's name, and even if it is damaged; what is not there is an error."""
    templates.save_template(QueueTemplate(name="🐉"))
    assert templates.delete_template("🐉") is None
    (templates.folder / "broken.json").write_text("{")
    assert templates.delete_template("broken") is None
    assert len(list(templates.folder.iterdir())) == len(BUILT_IN_TEMPLATES)
    with pytest.raises(TemplateError, match="there is no template"):
        templates.delete_template("🐉")


def test_deleting_a_built_in_template_brings_its_original_back(templates):
    """Edited, damaged or as it was: a built-in template is always there."""
    original = BUILT_IN_TEMPLATES["quick_preview"]
    templates.save_template(replace(original, render_options=RenderOptions(width=4000)))
    stored = templates.find_template("Quick Preview")
    assert stored.is_built_in
    assert not stored.is_original
    assert templates.delete_template("quick preview") == original
    assert templates.find_template("Quick Preview").is_original
    stored.path.write_text("{")
    assert templates.delete_template("Quick Preview") == original
    assert templates.load_template("Quick Preview") == original


def test_a_renamed_template_has_its_new_name_alone(templates):
    """Everything else of it stays, the time it was made included."""
    template = QueueTemplate(name="Old", description="d", output_settings=OutputSettings(custom_prefix="p"))
    templates.save_template(template)
    assert templates.rename_template("old", "New/Name") == replace(template, name="New/Name")
    assert templates.load_template("new/name") == replace(template, name="New/Name")
    with pytest.raises(TemplateError):
        templates.load_template("Old")
    templates.rename_template("New/Name", "NEW/NAME")
    assert "NEW/NAME" in templates.list_templates()


def test_renaming_removes_the_renamed_file_and_no_other(templates):
    """Even where another template's title is the first one's file name."""
    (templates.folder / "b.json").write_text('{"version": "1.0", "name": "A"}')
    (templates.folder / "c.json").write_text('{"version": "1.0", "name": "b"}')
    templates.rename_template("A", "Z")
    assert not (templates.folder / "b.json").exists()
    assert templates.load_template("b").name == "b"


def test_a_renamed_built_in_template_leaves_its_original(templates):
    """What was edited goes with the new name."""
    original = BUILT_IN_TEMPLATES["quick_preview"]
    templates.save_template(replace(original, render_options=RenderOptions(width=4000)))
    templates.rename_template("Quick Preview", "Mine")
    assert templates.load_template("Mine").render_options.width == 4000
    assert templates.load_template("Quick Preview") == original


@pytest.mark.parametrize("command", ["rename_template", "duplicate_template"])
def test_no_template_takes_the_name_of_another(templates, command):
    """The other one stays as it was."""
    templates.save_template(QueueTemplate(name="Mine"))
    with pytest.raises(TemplateError, match="already"):
        getattr(templates, command)("mine", "QUICK preview")
    assert templates.load_template("Quick Preview") == BUILT_IN_TEMPLATES["quick_preview"]


def test_a_duplicate_is_a_template_of_its_own(templates):
    """It gets a free name where none is given, and tells who made it."""
    copies = [templates.duplicate_template("quick_preview", created_by="cli") for _ in range(2)]
    assert [copy.name for copy in copies] == ["Quick Preview (2)", "Quick Preview (3)"]
    assert {copy.created_by for copy in copies} == {"cli"}
    assert templates.load_template("quick preview (3)").render_options == copies[0].render_options
    assert not templates.find_template("Quick Preview (2)").is_built_in


def test_a_reset_touches_built_in_templates_alone(templates):
    """Edited, damaged and missing ones come back; it says which; user templates stay."""
    templates.save_template(QueueTemplate(name="Mine"))
    templates.save_template(replace(BUILT_IN_TEMPLATES["quick_preview"], description="changed"))
    (templates.folder / "default_render.json").write_text("{")
    (templates.folder / "batch_analysis.json").unlink()
    with pytest.raises(TemplateError, match="did not come with stlkit"):
        templates.reset_templates(["quick_preview", "Mine"])
    assert templates.reset_templates(["Quick Preview"]) == ("Quick Preview",)
    assert templates.reset_templates() == ("Default Render", "Batch Analysis")
    assert templates.reset_templates() == ()
    assert [s.template.name for s in templates.stored_templates() if not s.is_original] == ["Mine"]


def test_an_older_template_is_kept_before_a_renamed_one_takes_its_place(templates):
    """Nothing of an older format is lost by an upgrade, whatever caused it."""
    shutil.copy(EXAMPLES / "template_0.json", templates.folder / "my_shop.json")
    templates.rename_template("My Shop", "Shop")
    (kept,) = (templates.folder.parent / "backups").iterdir()
    assert kept.read_bytes() == (EXAMPLES / "template_0.json").read_bytes()
    assert json.loads((templates.folder / "shop.json").read_text())["version"] == "1.0"
    assert templates.load_template("shop").unknown == {"future_shader": "toon"}


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_templates_are_private(templates):
    """Nobody but the owner reads them."""
    assert templates.save_template(QueueTemplate(name="Mine")).stat().st_mode & 0o777 == 0o600
