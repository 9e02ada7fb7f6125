"""``stlkit template``: what a person types, and what comes of it."""

import json

import pytest

from stlkit.model.templates import BUILT_IN_TEMPLATES

SHOP = "My/Shop 🐉"


@pytest.fixture
def shop(stlkit):
    """Save a template of one's own, and one that is built in with a change."""
    saved = stlkit(
        "template", "save", SHOP, "--from", "complete_processing", "-O", "material=wood", "-d", "[b]mine[/b]"
    )
    assert saved.returncode == 0, saved.stderr
    assert stlkit("template", "save", "quick_preview", "-O", "width=800").returncode == 0
    return stlkit


def document(stlkit, name):
    return json.loads(stlkit("template", "show", name, "--json").stdout)


def test_the_list_tells_what_is_built_in_and_what_was_edited(shop):
    """On a home that nobody has used yet, too; names and descriptions are shown as text."""
    lines = {line.split("  ")[0]: line for line in shop("template", "list").stdout.splitlines()}
    assert "own" in lines[SHOP] and "my_shop" in lines[SHOP] and "[b]mine[/b]" in lines[SHOP]
    assert "built in, edited" in lines["Quick Preview"]
    assert "edited" not in lines["Default Render"] and "built in" in lines["Default Render"]
    listed = json.loads(shop("template", "list", "--json").stdout)
    assert len(listed["templates"]) == len(BUILT_IN_TEMPLATES) + 1
    edited = [t["template"]["name"] for t in listed["templates"] if t["is_built_in"] and not t["is_original"]]
    assert edited == ["Quick Preview"]
    assert listed["problems"] == []


def test_a_damaged_template_is_told_beside_the_list(stlkit, tmp_path):
    """And hides no other."""
    stlkit("template", "list")
    (tmp_path / "home" / "templates" / "mine.json").write_text("{")
    result = stlkit("template", "list")
    assert "Validation Only" in result.stdout
    assert "mine.json cannot be used" in result.stderr
    assert result.returncode == 0


def test_a_template_is_shown_by_what_is_not_as_by_default(shop, tmp_path):
    """Each option with its value, as `--option` takes it, and what it is; keys of a later version are named."""
    shown = shop("template", "show", SHOP).stdout
    assert "material" in shown and "wood" in shown and "plastic" in shown
    assert "video_fps" not in shown
    assert "everything else is as by default" in shown
    assert "video_fps" in shop("template", "show", SHOP, "--all").stdout
    assert "everything is as by default" in shop("template", "show", "Default Render").stdout
    path = tmp_path / "home" / "templates" / "later.json"
    path.write_text('{"version": "1.1", "name": "Later", "rating": 5, "render_options": {"shader": "toon"}}')
    assert "later version of stlkit: rating, render_options.shader" in shop("template", "show", "later").stdout
    assert document(shop, "later")["render_options"]["shader"] == "toon"


def test_saving_begins_with_another_template_or_with_the_defaults(shop):
    """What is typed goes over it; who made it is told."""
    saved = document(shop, SHOP)
    assert (saved["created_by"], saved["description"]) == ("cli", "[b]mine[/b]")
    assert (saved["render_options"]["generate_video"], saved["render_options"]["material"]) == (True, "wood")
    shop("template", "save", "plain", "-O", "organization=flat", "-O", "level=strict")
    plain = document(shop, "plain")
    assert plain["output_settings"]["organization"] == "flat"
    assert plain["validation_options"]["level"] == "strict"
    assert not plain["render_options"]["generate_video"]


def test_saving_what_is_there_changes_it(shop):
    """By title or by file name, only what was typed; beginning it anew from another one has to be asked for."""
    preview = document(shop, "Quick Preview")["render_options"]
    assert (preview["width"], preview["height"], preview["quality"]) == (800, 540, "draft")
    refused = shop("template", "save", SHOP, "--from", "default_render")
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert document(shop, SHOP)["render_options"]["generate_video"]
    assert shop("template", "save", "my_shop", "--from", "default_render", "--replace").returncode == 0
    assert not document(shop, SHOP)["render_options"]["generate_video"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("save", "x", "-O", "widht=3"), "did you mean 'width'"),
        (("save", "x", "-O", "width=3"), "16"),
        (("save", "x", "-O", "max_concurrent_jobs=3"), "there is no option 'max_concurrent_jobs'"),
        (("save", "x", "--from", "nothing"), "there is no template 'nothing'; there are: batch_analysis"),
        (("save", "  "), "needs a name"),
        (("show", "nothing"), "there is no template"),
        (("delete", "nothing"), "there is no template"),
        (("rename", "quick_preview", "Default Render"), "already"),
        (("duplicate", "quick_preview", "default render"), "already"),
        (("reset", "nothing"), "did not come with stlkit"),
        (("export", "out.json"), "name what is to be exported"),
        (("export", "no/such/folder.json", "quick_preview"), "cannot be written"),
        (("import", "nothing.json"), "nothing.json cannot be imported"),
        (("import", "nothing.json", "--on-conflict", "perhaps"), "keep_both"),
    ],
)
def test_wrong_usage_is_one_clear_message(stlkit, arguments, named):
    """It ends with 2 and leaves everything as it was."""
    result = stlkit("template", *arguments)
    assert result.returncode == 2
    assert named in result.stderr
    listed = json.loads(stlkit("template", "list", "--json").stdout)["templates"]
    assert all(entry["is_original"] for entry in listed)


def test_delete_rename_duplicate_and_reset_say_what_became_of_it(shop):
    """Of a built-in one, that its original is back."""
    assert shop("template", "rename", "quick_preview", "Fast").stdout == (
        "Quick Preview is now Fast\nQuick Preview is built in; its original is back\n"
    )
    assert shop("template", "duplicate", "fast").stdout == "saved Fast (2)\n"
    assert shop("template", "delete", "Fast", "fast (2)", "default_render").stdout == (
        "deleted Fast\ndeleted fast (2)\nDefault Render is built in; its original is back\n"
    )
    assert shop("template", "reset").stderr == "nothing to reset\n"
    shop("template", "save", "quick_preview", "-O", "width=800")
    assert "Quick Preview is built in" in shop("template", "reset", "Quick Preview").stdout


def test_templates_go_out_and_come_in_on_another_home(shop, tmp_path):
    """Conflicts end it, unless it is said what to do; `--json` says what was done."""
    out = tmp_path / "shop.json"
    assert shop("template", "export", out).stdout == f"exported {SHOP}, Quick Preview to {out}\n"
    assert "exists already" in shop("template", "export", out).stderr
    assert shop("template", "export", out, SHOP, "quick_preview", "--replace").returncode == 0
    other = ("--home", tmp_path / "other")
    refused = shop("template", "import", out, *other)
    assert refused.returncode == 2
    assert "'Quick Preview' already; nothing was imported" in refused.stderr
    assert "--on-conflict" in refused.stderr
    done = shop("template", "import", out, *other, "--on-conflict", "keep_both")
    assert done.stdout == f"added {SHOP}\nadded Quick Preview as Quick Preview (2)\n"
    again = json.loads(shop("template", "import", out, *other, "--on-conflict", "replace", "--json").stdout)
    assert (again["unchanged"], again["replaced"]) == ([SHOP], ["Quick Preview"])


def test_a_home_that_cannot_be_one_is_one_clear_message(stlkit, tmp_path):
    """What the disk refuses is told like everything else, without a traceback."""
    (tmp_path / "file").write_text("")
    result = stlkit("template", "list", "--home", tmp_path / "file")
    assert result.returncode == 2
    assert result.stderr.startswith("stlkit: ")
    assert str(tmp_path / "file") in result.stderr
