"""A template after any edit, alone or among those of an export: it is read and comes back the same, or refused."""

import copy
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stlkit.errors import TemplateError
from stlkit.files import decode_json, encode_json
from stlkit.model.encoding import explain
from stlkit.model.options import RenderOptions
from stlkit.model.templates import QueueTemplate
from stlkit.storage.template_exchange import read_bundle
from stlkit.storage.template_files import decode_template
from stlkit.storage.templates import TemplateManager

NASTY = [
    "", "..", "a/b", "nul\0", "line\nfeed", "\x1b[31mred", "\u202egnp", "\ud800", "\udcff", "x" * 600, "con", "9",
    "0", "1.0", "one.two", "2026-01-15T10:30:00Z", "9999-12-31T23:59:59-14:00", "red", "none", " - at `$.name`",
    0, -1, 2**63, 10**30, 0.5, 1e300, True, None, [], {}, [[]], [None], {"width": "evil"}, {"unknown": 1},
]  # fmt: skip
EVIL_NAMES = ["\x1b[2J\x1b]0;owned\x07\r\nall is well", "[red]red[/red] :bomb: [link=http://x]y[/]", "\u202egnp"]
VALUES = st.sampled_from(NASTY) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
WHOLE = decode_json(encode_json(QueueTemplate(name="Mine", render_options=RenderOptions(width=800)).to_dict()))
PLACES = [
    *((key,) for key in (*WHOLE, "unknown", "future")),
    *(
        (key, inner)
        for key, value in WHOLE.items()
        if isinstance(value, dict)
        for inner in (*value, "future", "unknown")
    ),
]
EDITS = st.lists(st.tuples(st.sampled_from(PLACES), st.booleans(), VALUES), max_size=3)


def edited(edits):
    document = copy.deepcopy(WHOLE)
    for place, is_removed, value in edits:
        parent = document
        for key in place[:-1]:
            parent = parent.get(key)
            if not isinstance(parent, dict):
                break
        else:
            parent.pop(place[-1], None)
            if not is_removed:
                parent[place[-1]] = copy.deepcopy(value)
    return document


@settings(max_examples=1500, deadline=None)
@given(EDITS.map(edited) | VALUES)
def test_a_template_comes_back_the_same_or_is_refused_by_a_value_error(document):
    """The field of the error is one that a person finds in the file; nothing of the document is lost on the way."""
    try:
        template = decode_template(document)
    except ValueError as error:
        text, field = explain(error)
        assert text
        assert field is None or re.fullmatch(r"[\w.\[\]$]+", field)
        return
    written = decode_json(encode_json(template.to_dict()))
    assert decode_template(written) == template
    for key, value in document.items():
        if key not in ("version", "created_at") and not isinstance(value, dict):
            assert (
                key in written
                or key in written["render_options"]
                or key in written["validation_options"]
                or (key in written["output_settings"])
            )


@settings(max_examples=200, deadline=None)
@given(document=EDITS.map(edited))
def test_an_export_is_read_whole_or_refused_by_a_template_error(tmp_path_factory, document):
    """And what was read is saved and found again under its name."""
    folder = tmp_path_factory.getbasetemp() / "edited"
    folder.mkdir(exist_ok=True)
    path = folder / "export.json"
    path.write_text(json.dumps({"version": "1.0", "templates": [document]}))
    try:
        (template,) = read_bundle(path)
    except TemplateError:
        return
    templates = TemplateManager(folder / "templates")
    templates.import_templates(path, on_conflict="replace")
    assert templates.load_template(template.name).render_options == template.render_options
    templates.delete_template(template.name)
    assert not list(templates.folder.iterdir())


@pytest.mark.parametrize(
    "name", ["\x1b[2J\x1b]0;owned\x07\r\nall is well", "[red]red[/red] :bomb: [link=http://x]y[/]", "\u202egnp"]
)
def test_names_reach_a_terminal_as_text(tmp_path, monkeypatch, capsys, name):
    """Titles and descriptions of a foreign template, in every command that shows them."""
    from stlkit.cli.program import app  # noqa: PLC0415 - reads the width of the terminal

    monkeypatch.setenv("STLKIT_HOME", str(tmp_path))
    TemplateManager(tmp_path / "templates").save_template(QueueTemplate(name=name, description=name))
    for arguments in (["list"], ["show", name], ["save", name, "-O", "width=800"], ["rename", name, f"{name}!"],
                      ["duplicate", f"{name}!"], ["export", str(tmp_path / "out.json")],
                      ["import", str(tmp_path / "out.json")], ["delete", f"{name}!"]):  # fmt: skip
        app(["template", *arguments], standalone_mode=False)
        shown = capsys.readouterr().out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
        assert "\nall is well" not in shown
        assert ("[red]red[/red] :bomb:" in shown) == name.startswith("[red]")
