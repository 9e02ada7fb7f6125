"""The notebook face of stlkit: widgets over its engine.

Nothing is loaded before it is used, so that the panel works where the previewer's 3D library does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stlkit_widgets.dashboard import Dashboard
    from stlkit_widgets.history_explorer import HistoryExplorer
    from stlkit_widgets.previewer import Previewer
    from stlkit_widgets.queue_panel import QueuePanel
    from stlkit_widgets.results_gallery import ResultsGallery

_HOME_OF = {
    "Dashboard": "stlkit_widgets.dashboard",
    "HistoryExplorer": "stlkit_widgets.history_explorer",
    "Previewer": "stlkit_widgets.previewer",
    "QueuePanel": "stlkit_widgets.queue_panel",
    "ResultsGallery": "stlkit_widgets.results_gallery",
}

__all__ = ["Dashboard", "HistoryExplorer", "Previewer", "QueuePanel", "ResultsGallery"]


def __getattr__(name: str) -> Any:
    try:
        module = importlib.import_module(_HOME_OF[name])
    except KeyError:
        raise AttributeError(f"module 'stlkit_widgets' has no attribute {name!r}") from None
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
