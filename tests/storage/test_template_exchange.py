"""Templates in one file: what goes out comes in again, on any machine, and never over what is there unasked."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stlkit.errors import OptionError, TemplateError
from stlkit.files import decode_json, encode_json
from stlkit.model.options import Material, RenderOptions
from stlkit.model.templates import BUILT_IN_TEMPLATES, QueueTemplate
from stlkit.storage.template_exchange import BUNDLE_VERSION
from stlkit.storage.templates import TemplateManager

EXAMPLES = Path(__file__).with_name("examples")
SHOP = QueueTemplate(name="My/Shop 🐉", render_options=RenderOptions(material=Material.WOOD))
DRAGONS = QueueTemplate(name="Dragons", description="d")


def manager(folder):
    templates = TemplateManager(folder / "templates")
    templates.install_built_in()
    return templates


@pytest.fixture
def here(tmp_path):
    templates = manager(tmp_path / "here")
    for template in (SHOP, DRAGONS):
        templates.save_template(template)
    return templates


@pytest.fixture
def there(tmp_path):
    return manager(tmp_path / "there")


@pytest.fixture
def bundle(tmp_path, here):
    path = tmp_path / "shop.json"
    here.export_templates(path)
    return path


def contents(templates):
    return {path.name: path.read_bytes() for path in templates.folder.iterdir()}


def test_what_goes_out_comes_in_again(there, bundle):
    """Names as typed, every option, and one line a template that says what was done."""
    imported = there.import_templates(bundle)
    assert imported.added == ("Dragons", "My/Shop 🐉")
    assert str(imported) == "added Dragons\nadded My/Shop 🐉"
    assert there.load_template(SHOP.name) == SHOP


def test_the_file_has_the_documented_form(bundle):
    """Kind, version, time, program, and each template as in its own file."""
    document = json.loads(bundle.read_text())
    assert set(document) == {"kind", "version", "exported_at", "app_version", "templates"}
    assert (document["kind"], document["version"]) == ("stlkit-templates", "1.0")
    assert [entry["name"] for entry in document["templates"]] == ["Dragons", "My/Shop 🐉"]
    assert document["templates"][0] == decode_json(encode_json(DRAGONS.to_dict()))


def test_what_is_exported_is_chosen(here, tmp_path):
    """By name, each once; without names everything that a person made or changed."""
    out = tmp_path / "out.json"
    assert here.export_templates(out, ["dragons", "Quick Preview", "DRAGONS"]) == ("Dragons", "Quick Preview")
    here.save_template(replace(BUILT_IN_TEMPLATES["quick_preview"], description="changed"))
    assert here.export_templates(out, replace_file=True) == ("Dragons", "My/Shop 🐉", "Quick Preview")
    with pytest.raises(TemplateError, match="there is no template 'nothing'"):
        here.export_templates(tmp_path / "other.json", ["dragons", "nothing"])
    assert not (tmp_path / "other.json").exists()


def test_nothing_to_export_is_said(there, tmp_path):
    """An empty file would help nobody."""
    with pytest.raises(TemplateError, match="name what is to be exported"):
        there.export_templates(tmp_path / "out.json")


def test_an_export_replaces_a_file_only_where_that_is_wanted(here, bundle, tmp_path):
    """And a folder that is not there is a clear error."""
    before = bundle.read_bytes()
    with pytest.raises(TemplateError, match="exists already"):
        here.export_templates(bundle)
    assert bundle.read_bytes() == before
    with pytest.raises(TemplateError, match="cannot be written"):
        here.export_templates(tmp_path / "nowhere" / "out.json")


def test_importing_twice_changes_nothing(there, bundle):
    """The same template is no conflict, whoever made it and when."""
    there.import_templates(bundle)
    before = contents(there)
    there.save_template(replace(there.load_template("Dragons"), created_by="gui"))
    imported = there.import_templates(bundle)
    assert imported.unchanged == ("Dragons", "My/Shop 🐉")
    assert contents(there).keys() == before.keys()


@pytest.fixture
def taken(there):
    """Where one of the two names stands for something else."""
    there.save_template(QueueTemplate(name="DRAGONS", description="mine"))
    return there


def test_a_name_that_is_taken_stops_the_whole_import(taken, bundle):
    """The name is told, and nothing has changed."""
    before = contents(taken)
    with pytest.raises(TemplateError, match="'Dragons' already; nothing was imported"):
        taken.import_templates(bundle)
    assert contents(taken) == before


def test_a_name_that_is_taken_is_replaced_on_request(taken, bundle):
    """The others come too."""
    imported = taken.import_templates(bundle, on_conflict="replace")
    assert (imported.added, imported.replaced) == (("My/Shop 🐉",), ("Dragons",))
    assert taken.load_template("dragons") == DRAGONS


def test_both_are_kept_on_request(taken, bundle):
    """The imported one gets the next free name."""
    taken.save_template(QueueTemplate(name="Dragons (2)"))
    imported = taken.import_templates(bundle, on_conflict="keep_both")
    assert imported.renamed == {"Dragons": "Dragons (3)"}
    assert "added Dragons as Dragons (3)" in str(imported)
    assert taken.load_template("dragons").description == "mine"
    assert taken.load_template("Dragons (3)") == replace(DRAGONS, name="Dragons (3)")


def test_an_unknown_way_with_conflicts_is_refused(there, bundle):
    """The choices are told."""
    with pytest.raises(OptionError, match="error, replace, keep_both"):
        there.import_templates(bundle, on_conflict="perhaps")


def test_a_template_file_of_its_own_can_be_imported(there, here):
    """What somebody copied out of a templates folder is taken as it is, an older one brought up to date."""
    assert there.import_templates(here.find_template("dragons").path).added == ("Dragons",)
    imported = there.import_templates(EXAMPLES / "template_0.json")
    assert imported.added == ("My Shop",)
    assert there.load_template("My Shop").render_options.material == "wood"


def test_older_templates_in_a_file_are_brought_up_to_date(there, tmp_path):
    """Each entry has a version of its own."""
    entries = [json.loads((EXAMPLES / "template_0.json").read_text()), DRAGONS.to_dict()]
    path = tmp_path / "old.json"
    path.write_bytes(encode_json({"version": "1.0", "templates": entries}))
    there.import_templates(path)
    assert there.load_template("my shop").output_settings.include_size


@pytest.mark.parametrize(
    ("document", "field", "named"),
    [
        ({"templates": [{"name": "A", "version": "1.0"}, {"name": "B", "render_options": {"width": 3}}]},
         "templates[1].render_options.width", ">= 16"),
        ({"templates": [{"version": "1.0"}]}, "templates[0]", "name"),
        ({"templates": [{"version": "9.0", "name": "A"}]}, "templates[0]", "newer stlkit; update stlkit"),
        ({"templates": ["A"]}, "templates[0]", "does not hold a template"),
        ({"templates": [{"name": "A"}], "version": "2.0"}, None, "newer stlkit"),
        ({"templates": {}}, None, "does not hold templates"),
        ([], None, "does not hold templates"),
        ({"jobs": []}, None, "does not hold templates"),
        ({"templates": [{"name": "A"}, {"name": "a "}]}, None, "two templates of the name 'a '"),
        ({"templates": [{"name": "  "}]}, "name", "needs a name"),
        ({"templates": [{"name": "A"}, {"name": "Default_Render"}]}, "name", "the built-in template 'Default Render'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_stops_the_whole_import(there, tmp_path, document, field, named):
    """The error names the file, the template and the field, and nothing has changed."""
    before = contents(there)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    with pytest.raises(TemplateError, match=named) as caught:
        there.import_templates(path)
    assert caught.value.field == field
    assert contents(there) == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 5000])
def test_what_is_no_json_is_a_clear_error(there, tmp_path, content):
    """Its name stands in the message; so it does where there is no such file."""
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(TemplateError, match=r"bad\.json cannot be imported"):
        there.import_templates(path)
    with pytest.raises(TemplateError, match=r"none\.json cannot be imported: No such file"):
        there.import_templates(tmp_path / "none.json")


@pytest.mark.parametrize("content", ["{}".encode("utf-16")[:-1], b"\x89PNG\r\n", b"PK\x03\x04\x14\x00", b"solid a"])
def test_what_is_something_else_altogether_is_said_to_be_no_template_file(there, tmp_path, content):
    """In words, not in those of a codec."""
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(TemplateError, match=r"it is no template file of stlkit; nothing was imported"):
        there.import_templates(path)


def test_fields_that_are_not_understood_are_told(there, tmp_path):
    """Those of a later version and those with a slip; they are kept all the same."""
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"name": "Old one", "render": {"width": 300}, "render_options": {"widht": 3}}))
    imported = there.import_templates(path)
    note = "not understood in Old one, kept but without effect: render, render_options.widht"
    assert str(imported) == f"added Old one\n{note}"
    assert there.load_template("Old one").unknown == {"render": {"width": 300}, "render_options": {"widht": 3}}


def test_a_file_that_would_be_replaced_unread_stops_the_whole_import(there, bundle):
    """A damaged file may hold a template of that very name; it is told before anything is saved."""
    (there.folder / "my_shop.json").write_text("{")
    with pytest.raises(TemplateError, match=r"my_shop\.json"):
        there.import_templates(bundle)
    assert "Dragons" not in there.list_templates()


def test_a_picture_that_is_not_here_is_told(there, tmp_path):
    """A background image is a path of somebody else's machine."""
    for name in ("/no/such/desk.jpg", "~nobody/desk.jpg", "\0"):
        options = RenderOptions(background_image=name)
        shutil.rmtree(there.folder)
        path = tmp_path / "one.json"
        path.write_bytes(encode_json(replace(DRAGONS, render_options=options).to_dict()))
        (note,) = there.import_templates(path).notes
        assert "is not on this machine" in note


def test_the_version_of_the_file_format_is_a_contract():
    """Whoever changes it adds the step from the old one."""
    assert BUNDLE_VERSION == "1.0"
