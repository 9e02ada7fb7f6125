"""A part of a page: one module of JavaScript with a style sheet, and messages both ways."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, ClassVar

import anywidget
import ipywidgets

from stlkit.errors import StlkitError
from stlkit_widgets.background import Background
from stlkit_widgets.routing import route_as_sent

_log = logging.getLogger(__name__)

_STATIC = files(__package__) / "static"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<name>\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) )", re.MULTILINE)

Content = Mapping[str, Any]
Answer = tuple[Content, tuple[bytes, ...]]
Answerer = Callable[[Content, tuple[bytes, ...]], "Content | Answer"]


class PagePart(anywidget.AnyWidget):
    """Base of everything that draws itself in the browser.

    A subclass names its module: ``class JobTable(PagePart, page="job_table")`` is drawn by ``static/job_table.js`` and
    ``static/job_table.css``. What the page needs to know for long stands in synchronised traits, which a view that is
    opened later gets by itself. What the page wants is a message: ``{"do": name, …}`` calls what `hear` was given,
    ``{"ask": name, …}`` gets the answer of what `answer` was given, which works on a thread of its own, so that no
    slow disk holds up the kernel.

    Parameters
    ----------
    background : Background
        Where answers are worked out.
    """

    _page: ClassVar[str]

    def __init_subclass__(cls, *, page: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if page is not None:
            cls._page = page
            cls._esm = module_text(page)
            cls._css = style_text("base", "sieve", page)

    def __init__(self, background: Background, **traits: Any) -> None:
        super().__init__(**traits)
        route_as_sent([self])
        self._background = background
        self._heard: dict[str, Callable[[Content], None]] = {}
        self._answers: dict[str, tuple[Answerer, Background]] = {}
        self.on_msg(self._on_page_message)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def hear(self, what: str, do: Callable[[Content], None]) -> None:
        """Have `do` called with the message when the page says `what`; it must not wait for anything."""
        self._heard[what] = do

    def answer(self, what: str, work_out: Answerer, background: Background | None = None) -> None:
        """Have `work_out` called, in the background, when the page asks `what`.

        It gets the question and its buffers, and returns the answer, or the answer and its buffers. An error of
        stlkit, of the disk or of a value is answered as ``{"error": message}``. What takes long has a `background` of
        its own.
        """
        self._answers[what] = (work_out, background or self._background)

    def tell(self, kind: str, content: Content | None = None, *buffers: bytes) -> None:
        """Send a message to every view; harmless once the part is closed."""
        if self.comm is not None:
            self.send({**(content or {}), "kind": kind}, list(buffers))

    def _on_page_message(self, _: ipywidgets.Widget, content: Content, buffers: list[memoryview]) -> None:
        if (do := self._heard.get(content.get("do", ""))) is not None:
            do(content)
        elif (found := self._answers.get(content.get("ask", ""))) is not None:
            work_out, background = found
            received = tuple(bytes(buffer) for buffer in buffers)
            background.do(lambda: self._answer(work_out, content, received))
        else:
            _log.warning("%r sent what nobody here understands: %.80r", self, content)

    def _answer(self, work_out: Answerer, question: Content, received: tuple[bytes, ...]) -> None:
        buffers: tuple[bytes, ...] = ()
        try:
            result = work_out(question, received)
            content, buffers = result if isinstance(result, tuple) else (result, ())
        except (StlkitError, OSError, ValueError, KeyError, TypeError) as error:  # also what a page made up
            content = {"error": str(error)}
        except Exception as error:  # whatever it is, a page that waits for an answer must get one
            _log.exception("%r cannot answer %.80r", self, question)
            content = {"error": str(error)}
        self.tell("answer", {"number": question.get("number"), **content}, *buffers)


@functools.cache
def module_text(name: str) -> str:
    """Return a module of ``static/`` with what it imports in front of it.

    A widget's module reaches the browser as a text without an address, so it can import nothing by a relative path.

    Parameters
    ----------
    name : str
        File name without ``.js``.

    Returns
    -------
    str
    """
    texts: dict[str, str] = {}
    _collect(name, texts)
    *imported, own = texts.items()
    return "".join(f"// --- {each} ---\n{_EXPORT.sub('', text)}" for each, text in imported) + own[1]


def _collect(name: str, texts: dict[str, str]) -> None:
    text = (_STATIC / f"{name}.js").read_text(encoding="utf-8")
    for found in _IMPORT.finditer(text):
        if found["name"] not in texts:
            _collect(found["name"], texts)
    texts[name] = _IMPORT.sub("", text)


@functools.cache
def style_text(*names: str) -> str:
    """Return style sheets of ``static/`` in one text; one that is missing is empty."""
    sheets = (_STATIC / f"{name}.css" for name in names)
    return "".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())
