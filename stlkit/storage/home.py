"""The home folder: where everything that must survive has its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stlkit.files import make_folder

DEFAULT_HOME = Path("~/.local/stl_listing_tool")


@dataclass(frozen=True, slots=True)
class Home:
    """Paths inside one home folder.

    Parameters
    ----------
    root : Path
        The folder itself, absolute.
    """

    root: Path

    @property
    def config(self) -> Path:
        """User preferences."""
        return self.root / "config.json"

    @property
    def queue_state(self) -> Path:
        """The active queue."""
        return self.root / "queue_state.json"

    @property
    def history(self) -> Path:
        """SQLite database of ended jobs."""
        return self.root / "job_history.db"

    @property
    def templates(self) -> Path:
        """Folder of templates."""
        return self.root / "templates"

    @property
    def cache(self) -> Path:
        """Folder of temporary files."""
        return self.root / "cache"

    @property
    def backups(self) -> Path:
        """Folder of earlier queue states."""
        return self.root / "backups"

    @property
    def lock(self) -> Path:
        """File whose lock says who owns the queue."""
        return self.root / "queue.lock"

    @property
    def is_there(self) -> bool:
        """Whether this is a home folder: something that only stlkit puts into one is in it."""
        return any(map(os.path.lexists, (self.queue_state, self.history, self.lock)))

    def create(self) -> None:
        """Make the folders, readable by their owner alone."""
        for folder in (self.root, self.templates, self.cache, self.backups):
            make_folder(folder, mode=0o700)


def find_home(home: str | os.PathLike[str] | None = None) -> Home:
    """Decide which home folder is meant.

    Parameters
    ----------
    home : path, optional
        Wins over the environment variable ``STLKIT_HOME``, which wins over ``~/.local/stl_listing_tool``.

    Returns
    -------
    Home
    """
    chosen = home or os.environ.get("STLKIT_HOME") or DEFAULT_HOME
    return Home(Path(chosen).expanduser().resolve())
