"""Commands about room on the disk: usage, clean."""

from __future__ import annotations

from typing import Annotated

import typer

from stlkit.cli.console import HomeOption, JsonOption, KeyValueOption, out, parse_options, print_json, shown
from stlkit.model.options import CleanupOptions
from stlkit.workspace import Workspace


def usage(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show how much room outputs and home folder take, by kind."""
    with Workspace(home, observe=True) as workspace:
        used = workspace.disk_usage()
    if as_json:
        print_json({"disk_usage": used, "home_total": used.home_total})
        return
    for line in str(used).splitlines():
        out.print(shown(line), highlight=False, soft_wrap=True)


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    option: KeyValueOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove temporary files, backups and history that need not be kept; never outputs.

    What is kept is said by the group "cleanup" of config.json in the home folder, and for this once by --option:
    history_keep_days, cache_max_age_hours, cache_max_size_mb, backup_keep_count.
    """
    chosen = parse_options(option or (), (CleanupOptions,))[CleanupOptions]
    with Workspace(home, observe=True) as workspace:
        cleaned = workspace.clean(dry_run=dry_run, options=chosen)
    if as_json:
        print_json({"cleaned": cleaned, "size_bytes": cleaned.size_bytes})
        return
    for line in str(cleaned).splitlines():
        out.print(shown(line), highlight=False, soft_wrap=True)
