"""What a person has arranged on a page, remembered from one session to the next."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from stlkit.errors import StlkitError
from stlkit.workspace import Workspace


def remembered(workspace: Workspace) -> dict[str, Any]:
    """Return everything that is remembered; nothing where the preferences are damaged."""
    try:
        return dict(workspace.config.panel)
    except (StlkitError, OSError):  # no reason to show nothing
        return {}


def remember(workspace: Workspace, what: str, value: Any) -> None:
    """Remember one thing beside the others; waits for the disk, and does nothing where the home is another's."""
    if workspace.is_observer:
        return
    with contextlib.suppress(StlkitError, OSError):
        workspace.change_config(lambda config: replace(config, panel={**config.panel, what: value}))
