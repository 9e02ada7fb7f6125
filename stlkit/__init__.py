"""stlkit: folders of STL files into pictures, size charts, videos, checks and a history.

Everything public is importable from here; nothing is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stlkit._version import __version__

if TYPE_CHECKING:
    from stlkit.analytics.history import History
    from stlkit.analytics.sample_history import write_sample_history
    from stlkit.engine.events import EventKind, QueueEvent
    from stlkit.engine.queue import JobQueue
    from stlkit.errors import StlkitError
    from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState
    from stlkit.model.options import (
        CleanupOptions,
        NamingOptions,
        OutputSettings,
        QueueSettings,
        RenderOptions,
        ValidationOptions,
    )
    from stlkit.model.templates import QueueTemplate
    from stlkit.outputs.names import FileNameGenerator
    from stlkit.samples import write_samples
    from stlkit.storage.backups import BackupManager
    from stlkit.storage.cache import TempFileManager
    from stlkit.storage.history import JobHistoryManager, JobHistoryRecord, ProcessingStats
    from stlkit.storage.home import Home
    from stlkit.storage.migration import StateMigration
    from stlkit.storage.queue_state import QueueStateManager
    from stlkit.storage.recovery import RecoveryResult, SessionRecoveryManager, ValidationError
    from stlkit.storage.templates import TemplateManager
    from stlkit.storage.usage import DiskUsage
    from stlkit.workspace import Workspace

_HOME_OF = {
    "BackupManager": "stlkit.storage.backups",
    "CleanupOptions": "stlkit.model.options",
    "DiskUsage": "stlkit.storage.usage",
    "EventKind": "stlkit.engine.events",
    "FileNameGenerator": "stlkit.outputs.names",
    "History": "stlkit.analytics.history",
    "Home": "stlkit.storage.home",
    "JobHistoryManager": "stlkit.storage.history",
    "JobHistoryRecord": "stlkit.storage.history",
    "JobQueue": "stlkit.engine.queue",
    "JobResults": "stlkit.model.jobs",
    "JobState": "stlkit.model.jobs",
    "NamingOptions": "stlkit.model.options",
    "OutputSettings": "stlkit.model.options",
    "ProcessingStats": "stlkit.storage.history",
    "QueueEvent": "stlkit.engine.events",
    "QueueJob": "stlkit.model.jobs",
    "QueueSettings": "stlkit.model.options",
    "QueueState": "stlkit.model.jobs",
    "QueueStateManager": "stlkit.storage.queue_state",
    "QueueTemplate": "stlkit.model.templates",
    "RecoveryResult": "stlkit.storage.recovery",
    "RenderOptions": "stlkit.model.options",
    "SessionRecoveryManager": "stlkit.storage.recovery",
    "StateMigration": "stlkit.storage.migration",
    "StlkitError": "stlkit.errors",
    "TempFileManager": "stlkit.storage.cache",
    "TemplateManager": "stlkit.storage.templates",
    "ValidationError": "stlkit.storage.recovery",
    "ValidationOptions": "stlkit.model.options",
    "Workspace": "stlkit.workspace",
    "write_sample_history": "stlkit.analytics.sample_history",
    "write_samples": "stlkit.samples",
}

__all__ = [
    "BackupManager",
    "CleanupOptions",
    "DiskUsage",
    "EventKind",
    "FileNameGenerator",
    "History",
    "Home",
    "JobHistoryManager",
    "JobHistoryRecord",
    "JobQueue",
    "JobResults",
    "JobState",
    "NamingOptions",
    "OutputSettings",
    "ProcessingStats",
    "QueueEvent",
    "QueueJob",
    "QueueSettings",
    "QueueState",
    "QueueStateManager",
    "QueueTemplate",
    "RecoveryResult",
    "RenderOptions",
    "SessionRecoveryManager",
    "StateMigration",
    "StlkitError",
    "TempFileManager",
    "TemplateManager",
    "ValidationError",
    "ValidationOptions",
    "Workspace",
    "__version__",
    "write_sample_history",
    "write_samples",
]


def __getattr__(name: str) -> Any:
    try:
        module = importlib.import_module(_HOME_OF[name])
    except KeyError:
        raise AttributeError(f"module 'stlkit' has no attribute {name!r}") from None
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
