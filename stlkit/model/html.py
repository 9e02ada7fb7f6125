"""HTML whose text is escaped because there is no other way to put text into it; and how a notebook shows values."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from stlkit.model.text import one_line

_TAG = re.compile("<[^>]*>")
_VOID = frozenset({"meta", "img", "input", "br"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | tuple["Content", ...] | None
"""What an element holds: text, which is escaped; `Markup`; several of these; or nothing."""


def element(tag: str, *children: Content, **attributes: str | bool | None) -> Markup:
    """Write one element.

    Parameters
    ----------
    tag : str
    *children : Content
    **attributes : str, bool or None
        ``class_`` for ``class``, an underscore for a dash; True for an attribute without a value, False or None for
        none.

    Returns
    -------
    Markup

    Examples
    --------
    >>> element("a", "<tea & cake>", class_="quiet", href="menu.html")
    '<a class="quiet" href="menu.html">&lt;tea &amp; cake&gt;</a>'
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value not in (None, False))
    start = f"<{tag}{written}>"
    return Markup(start if tag in _VOID else f"{start}{joined(*children)}</{tag}>")


def joined(*children: Content) -> Markup:
    """Write several pieces one after the other."""
    return Markup("".join(_written(child) for child in children))


def isolated(text: str) -> Markup:
    """Write a name that cannot turn the direction of what stands around it."""
    return element("bdi", text)


def _attribute(name: str, value: str | bool | None) -> str:
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_escaped(str(value))}"'


def _written(child: Content) -> str:
    if child is None:
        return ""
    if isinstance(child, tuple):
        return joined(*child)
    return child if isinstance(child, Markup) else _escaped(child)


def _escaped(text: str) -> str:
    return html.escape(one_line(text))


# --- what a notebook shows of a value ---


_RIGHT = "text-align: right; white-space: nowrap"
_LEFT = "text-align: left; overflow-wrap: anywhere"
_LEFT_WHOLE = "text-align: left; white-space: nowrap"
_LONGEST_WHOLE = 32  # letters; what has no more, such as most file names, is never broken
_QUIET = "opacity: .75"


class Right(str):
    """Text of a table's cell that is set to the right, because it is a number or a measure."""

    __slots__ = ()


def headline(title: str, remark: Content = None) -> Markup:
    """Write what a value is, and quietly what there is to say about it in a few words.

    Parameters
    ----------
    title : str
    remark : Content

    Returns
    -------
    Markup
    """
    quiet = element("span", " ", remark, style=_QUIET) if remark else None
    return element("p", element("strong", title), quiet, style="margin: 4px 0")


def facts_table(facts: Iterable[tuple[str, Content]]) -> Markup:
    """Write names and values, one pair a row; pairs whose value is None or empty are left out."""
    rows = tuple(_row((name, value), heads=1) for name, value in facts if value not in (None, ""))
    return _table(element("tbody", *rows)) if rows else Markup()


def rows_table(heads: Sequence[Content], rows: Iterable[Sequence[Content]], *, foot: Sequence[Content] = ()) -> Markup:
    """Write rows below heads; numbers are `Right` in both.

    Parameters
    ----------
    heads : sequence of Content
    rows : iterable of sequences of Content
    foot : sequence of Content, optional
        A last row that sums up.

    Returns
    -------
    Markup
    """
    head = element("tr", *(element("th", cell, scope="col", style=_style(cell)) for cell in heads))
    body = tuple(_row(row, heads=0) for row in rows)
    footer = element("tfoot", _row(foot, heads=1)) if foot else None
    return _table(element("thead", head), element("tbody", *body), footer)


def remark(text: str) -> Markup:
    """Write a quiet line below a table."""
    return element("p", text, style=f"margin: 4px 0; {_QUIET}")


def _table(*parts: Content) -> Markup:
    return element("table", *parts, style="margin: 4px 0; max-width: 100%")


def _row(cells: Sequence[Content], *, heads: int) -> Markup:
    written = (
        element("th", cell, scope="row", style=_style(cell))
        if number < heads
        else element("td", cell, style=_style(cell))
        for number, cell in enumerate(cells)
    )
    return element("tr", *written)


def _style(cell: Content) -> str:
    if isinstance(cell, Right):
        return _RIGHT
    shown = html.unescape(_TAG.sub("", _written(cell)))
    return _LEFT_WHOLE if len(shown) <= _LONGEST_WHOLE else _LEFT
