"""What a person has arranged on a page, remembered from one session to the next."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import Any

from stlkit.errors import StlkitError
from stlkit.workspace import Workspace

_LOCK = threading.Lock()  # several parts of a page write into one file


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
    with _LOCK, contextlib.suppress(StlkitError, OSError):
        config = workspace.config
        workspace.config = replace(config, panel={**config.panel, what: value})
