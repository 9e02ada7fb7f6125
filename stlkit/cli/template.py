"""Commands about templates: list, show, save, delete, rename, duplicate, reset, export, import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from stlkit.cli.console import (
    HomeOption,
    JsonOption,
    KeyValueOption,
    note_column,
    out,
    parse_options,
    plain_table,
    print_json,
    shown,
    tell,
    written,
)
from stlkit.errors import TemplateError
from stlkit.files import printable
from stlkit.model.descriptions import describe_options
from stlkit.model.encoding import to_plain
from stlkit.model.templates import TEMPLATE_GROUPS, QueueTemplate
from stlkit.model.unknown import unknown_paths
from stlkit.storage.home import find_home
from stlkit.storage.template_exchange import Conflict
from stlkit.storage.template_files import StoredTemplate
from stlkit.storage.templates import TemplateManager

app = typer.Typer(help="Keep options under a name, and pass them on.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a template, or of its file.")]
NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of templates.")]


@app.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List all templates."""
    templates = _open(home)
    stored, problems = templates.stored_templates(), templates.problems()
    if as_json:
        print_json({"templates": [_described(one) for one in stored], "problems": problems})
        return
    table = plain_table(note_column("name"), note_column("file"), "", note_column("description"))
    for one in stored:
        table.add_row(shown(one.template.name), shown(one.path.stem), _kind(one), shown(one.template.description))
    out.print(table)
    for problem in problems:
        tell(problem)


@app.command()
def show(
    name: NameArgument,
    everything: Annotated[bool, typer.Option("--all", help="Also what is as by default.")] = False,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the template as it stands in its file.")] = False,
) -> None:
    """Show a template's options."""
    stored = _open(home).find_template(name)
    template = stored.template
    if as_json:
        print_json(template.to_dict())
        return
    out.print(f"[bold]{shown(template.name)}[/] ({_kind(stored)})", highlight=False)
    if template.description:
        out.print(shown(template.description), highlight=False)
    table = plain_table("option", note_column("value"), note_column("by default"), note_column("what it is"))
    for option, value, default, sentence in _options(template):
        if everything or value != default:
            table.add_row(option, shown(value), "" if value == default else shown(default), shown(sentence))
    if table.row_count:
        out.print(table)
    if not everything:
        out.print("everything else is as by default" if table.row_count else "everything is as by default")
    if unknown := list(unknown_paths(template.unknown, TEMPLATE_GROUPS)):
        out.print(f"kept for a later version of stlkit: {shown(', '.join(unknown))}", highlight=False)


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="Name of the template; one that is there is changed.")],
    source: Annotated[str | None, typer.Option("--from", help="Template to begin with.", show_default=False)] = None,
    option: KeyValueOption = None,
    description: Annotated[str | None, typer.Option("--description", "-d", help="One sentence about it.")] = None,
    replaced: Annotated[bool, typer.Option("--replace", help="Let --from begin one anew that is there.")] = False,
    home: HomeOption = None,
) -> None:
    """Save options under a name: those of a template or the defaults, with changes."""
    chosen = parse_options(option or (), tuple(TEMPLATE_GROUPS.values()))
    templates = _open(home)
    present = templates.load_template(name) if name in templates else None
    if present is not None and source is not None and not replaced:
        raise TemplateError(
            f"there is a template {present.name!r} already; leave --from out to change it, or add --replace",
            name=present.name,
        )
    if source is not None:
        base = replace(templates.load_template(source), name=present.name if present else name, created_by="cli")
    else:
        base = present or QueueTemplate(name=name, created_by="cli")
    changes: dict[str, Any] = {
        field: getattr(base, field).merged(chosen[group]) for field, group in TEMPLATE_GROUPS.items()
    }
    if description is not None:
        changes["description"] = description
    saved = replace(base, **changes)
    path = templates.save_template(saved)
    out.print(f"saved {shown(saved.name)} in {shown(path)}", highlight=False, soft_wrap=True)


@app.command()
def delete(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of templates, or of their files.")],
    home: HomeOption = None,
) -> None:
    """Delete templates; of a built-in one, the original comes back."""
    templates = _open(home)
    for name in names:
        original = templates.delete_template(name)
        if original is None:
            out.print(f"deleted {shown(name)}", highlight=False)
        else:
            _say_original(original.name)


@app.command()
def rename(
    name: NameArgument, new_name: Annotated[str, typer.Argument(help="Its new name.")], home: HomeOption = None
) -> None:
    """Give a template another name; of a built-in one, the original stays."""
    templates = _open(home)
    old = templates.find_template(name)
    renamed = templates.rename_template(name, new_name)
    out.print(f"{shown(old.template.name)} is now {shown(renamed.name)}", highlight=False)
    if old.is_built_in and templates.find_template(old.path.stem).template.name != renamed.name:
        _say_original(templates.find_template(old.path.stem).template.name)


@app.command()
def duplicate(
    name: NameArgument,
    new_name: Annotated[str | None, typer.Argument(help="Name of the copy; 'NAME (2)' unless given.")] = None,
    home: HomeOption = None,
) -> None:
    """Copy a template under another name."""
    copy = _open(home).duplicate_template(name, new_name, created_by="cli")
    out.print(f"saved {shown(copy.name)}", highlight=False)


@app.command()
def reset(names: NamesArgument = None, home: HomeOption = None) -> None:
    """Bring the originals of built-in templates back: of those named, or of all."""
    changed = _open(home).reset_templates(names or None)
    for name in changed:
        _say_original(name)
    if not changed:
        tell("nothing to reset")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    names: NamesArgument = None,
    replaced: Annotated[bool, typer.Option("--replace", help="Replace a file of that name.")] = False,
    home: HomeOption = None,
) -> None:
    """Write templates into one file: those named, or all but unedited built-in ones."""
    exported = _open(home).export_templates(file, names or None, replace_file=replaced)
    out.print(f"exported {shown(', '.join(exported))} to {shown(file)}", highlight=False, soft_wrap=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Exported file, or a template's own file.")],
    on_conflict: Annotated[
        Conflict, typer.Option("--on-conflict", help="What to do where another template has the name.")
    ] = Conflict.ERROR,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read templates from one file; all of them, or none where one does not fit."""
    imported = _open(home).import_templates(file, on_conflict=on_conflict)
    if as_json:
        print_json(to_plain(imported))
        return
    for line in str(imported).splitlines():
        out.print(shown(line), highlight=False, soft_wrap=True)


def _open(home: Path | None) -> TemplateManager:
    """Open the templates alone: they need neither the queue nor the history."""
    folders = find_home(home)
    folders.create()
    templates = TemplateManager(folders.templates)
    templates.install_built_in()
    return templates


def _kind(stored: StoredTemplate) -> str:
    if not stored.is_built_in:
        return "own"
    return "built in" if stored.is_original else "built in, edited"


def _described(stored: StoredTemplate) -> dict[str, Any]:
    return {
        "template": stored.template.to_dict(),
        "file": printable(stored.path),
        "is_built_in": stored.is_built_in,
        "is_original": stored.is_original,
    }


def _options(template: QueueTemplate) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, value, default and help of every option."""
    for field, group in TEMPLATE_GROUPS.items():
        options = getattr(template, field)
        for known in describe_options(group):
            yield known.name, written(getattr(options, known.name)), written(known.default), known.help


def _say_original(name: str) -> None:
    out.print(f"{shown(name)} is built in; its original is back", highlight=False)
