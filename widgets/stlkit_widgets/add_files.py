"""Where files come into a queue: by path, from a dialog, or from the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from stlkit_widgets.background import Background
from stlkit_widgets.page_part import Content, PagePart
from stlkit_widgets.places import Recent, serve_places
from stlkit_widgets.uploads import Uploads


class AddFiles(PagePart, page="add_files"):
    """A path box with completion, a dialog, a place to drop files on; the output folder and the template.

    Parameters
    ----------
    uploads : Uploads
        Where files from the browser go.
    background : Background
    add : callable
        Called with paths or patterns, and whether folders inside folders are meant; must return at once.
    set_output : callable
        Called with the output folder that was chosen.
    use_template : callable
        Called with the title of the template that was chosen.
    recent : callable
        As in `serve_places`.

    Attributes
    ----------
    source : str
        What stands in the path box when a view opens, and whenever it is set.
    output : str
        The folder that is shown.
    templates : list of dict
        Title and description of each template.
    template : str
        Title of the one that has the queue's options; empty where none has.
    own_options : str
        What the options are where no template has them.
    """

    read_only = traitlets.Bool().tag(sync=True)
    source = traitlets.Unicode().tag(sync=True)
    output = traitlets.Unicode().tag(sync=True)
    templates: Any = traitlets.List().tag(sync=True)
    template = traitlets.Unicode().tag(sync=True)
    own_options = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        uploads: Uploads,
        background: Background,
        *,
        add: Callable[[tuple[str, ...], bool], None],
        set_output: Callable[[str], None],
        use_template: Callable[[str], None],
        recent: Recent,
        **traits: Any,
    ) -> None:
        super().__init__(background, **traits)
        self._uploads = uploads
        serve_places(self, recent)
        self.hear("add", lambda said: add(tuple(map(str, said["paths"])), bool(said.get("recursive", True))))
        self.hear("output", lambda said: set_output(str(said["folder"]).strip()))
        self.hear("template", lambda said: use_template(str(said["title"])))
        self.answer("upload_begin", self._begin)
        self.answer("upload_piece", self._take)
        self.answer("upload_end", lambda asked, _: {"path": str(uploads.finish(asked["id"]))})
        self.answer("upload_cancel", self._cancel)

    def ask_for_output(self) -> None:
        """Have every view point at the box for the output folder."""
        self.tell("output_missing")

    def _begin(self, asked: Content, _: tuple[bytes, ...]) -> Content:
        return {"id": self._uploads.begin(str(asked["name"]), int(asked["size"]))}

    def _take(self, asked: Content, pieces: tuple[bytes, ...]) -> Content:
        return {"received": self._uploads.take(asked["id"], int(asked["at"]), pieces[0] if pieces else b"")}

    def _cancel(self, asked: Content, _: tuple[bytes, ...]) -> Content:
        self._uploads.cancel(asked["id"])
        return {}
