"""What a person should know or decide, above the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from stlkit.model.reports import Severity
from stlkit_widgets.background import Background
from stlkit_widgets.page_part import PagePart
from stlkit_widgets.places import serve_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button of a notice.

    Parameters
    ----------
    name : str
        What the panel is told when it is pressed.
    label : str
    primary : bool
    sure : str
        What it says when it was pressed once and must be pressed again; empty where once is enough.
    """

    name: str
    label: str
    primary: bool = False
    sure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice.

    Parameters
    ----------
    id : str
        The same as long as it is the same notice.
    text : str
    severity : Severity
    choices : tuple of Choice
    folder : str or None
        A folder that can be changed beside the buttons; its new value goes with the choice.
    """

    id: str
    text: str
    severity: Severity = Severity.INFO
    choices: tuple[Choice, ...] = ()
    folder: str | None = None


class Notices(PagePart, page="notices"):
    """A list of notices with their buttons.

    Parameters
    ----------
    background : Background
    choose : callable
        Called with the id of a notice, the name of a choice, and the folder beside it; must return at once.
    """

    shown: Any = traitlets.List().tag(sync=True)

    def __init__(self, background: Background, choose: Callable[[str, str, str], None], **traits: Any) -> None:
        super().__init__(background, **traits)
        serve_places(self)
        self.hear(
            "choose",
            lambda said: choose(str(said["id"]), str(said["choice"]), str(said.get("folder") or "").strip()),
        )

    def show(self, notices: list[Notice]) -> None:
        """Show these and no others."""
        self.shown = [asdict(notice) for notice in notices]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that are shown."""
        return tuple(notice["text"] for notice in self.shown)
