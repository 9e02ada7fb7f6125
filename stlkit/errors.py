"""Every error that stlkit raises, in one tree.

::

    StlkitError
    ├── OptionError              an option has a name or a value that does not exist
    ├── TemplateError            a template is missing, damaged or may not be changed
    ├── JobError                 a command does not fit the job it was given
    ├── MeshError
    │   ├── SourceChangedError   a file changed while it was read
    │   └── SourceUnreachableError  a file lies where nothing can be reached now
    ├── RenderError              a picture or a video could not be made
    │   ├── BackgroundError      the picture behind the model cannot be drawn
    │   └── BackendUnavailableError  no renderer starts on this machine
    ├── OutputError              a result could not be placed where it belongs
    ├── UploadError              a file from a browser is refused, or did not arrive whole
    ├── StorageError
    │   ├── StateFileError       a state, config or template file is damaged
    │   ├── NewerVersionError    a file was written by a newer version of stlkit
    │   ├── HomeLockedError      another process owns this home folder
    │   └── HistoryError         the history database cannot be used
    └── WorkerError
        ├── WorkerCrashedError   a worker process ended by itself in the middle of a job
        ├── JobTimeoutError      a job took longer than it was given
        └── MemoryLimitError     a job took more memory than it was given

A defect of a mesh is data (a finding in a report), never an exception. Messages say what happened, to
which file or job, and what to do next; the same facts are attached as attributes.
"""

from __future__ import annotations

from pathlib import Path


class StlkitError(Exception):
    """Base of every error that stlkit raises on purpose."""


class OptionError(StlkitError, ValueError):
    """An option has a name or a value that does not exist.

    Parameters
    ----------
    message : str
        What is wrong and what would be right.
    field : str
        Name of the option.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class TemplateError(StlkitError):
    """A template is missing, damaged or may not be changed.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    name : str
        Of the template.
    field : str, optional
        What in it is wrong, such as ``render_options.width``.
    """

    def __init__(self, message: str, *, name: str, field: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.field = field


class JobError(StlkitError):
    """A command does not fit the job it was given: unknown job, or a state that does not allow it."""

    def __init__(self, message: str, *, job_id: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id


class MeshError(StlkitError):
    """Base of the errors about the geometry in a file."""

    def __init__(self, message: str, *, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


class SourceChangedError(MeshError):
    """A file changed while it was read, each time it was tried."""


class SourceUnreachableError(MeshError):
    """A file lies where nothing can be reached now, such as on a network drive that is away."""


class RenderError(StlkitError):
    """A picture or a video could not be made."""


class BackgroundError(RenderError):
    """The picture that is to stand behind the model is missing, damaged or too large."""


class BackendUnavailableError(RenderError):
    """No renderer starts on this machine; the message names the package to install."""


class OutputError(StlkitError):
    """A result could not be placed where it belongs."""

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class UploadError(StlkitError):
    """A file from a browser is refused, or did not arrive whole; nothing of it is kept.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    name : str
        Of the file, as the browser gave it.
    """

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class StorageError(StlkitError):
    """Base of the errors about what stlkit keeps in its home folder."""

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class StateFileError(StorageError):
    """A state, config or template file is damaged.

    Parameters
    ----------
    message : str
        What is wrong.
    path : Path
        The file.
    field : str, optional
        Where in the file, as a path such as ``jobs[3].state``.
    """

    def __init__(self, message: str, *, path: Path, field: str | None = None) -> None:
        super().__init__(message, path=path)
        self.field = field


class NewerVersionError(StorageError):
    """A file was written by a newer version of stlkit; it may be looked at but never overwritten."""


class HomeLockedError(StorageError):
    """Another process owns this home folder; the message names it."""


class HistoryError(StorageError):
    """The history database cannot be used."""


class WorkerError(StlkitError):
    """Base of the errors that cost one job and never the queue."""

    def __init__(self, message: str, *, job_id: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id


class WorkerCrashedError(WorkerError):
    """A worker process ended by itself in the middle of a job."""


class JobTimeoutError(WorkerError):
    """A job took longer than it was given."""


class MemoryLimitError(WorkerError):
    """A job took more memory than it was given."""
