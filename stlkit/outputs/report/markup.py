"""HTML whose text is escaped because there is no other way to put text into it."""

from __future__ import annotations

import html
import os
from urllib.parse import quote

from stlkit.files import one_line

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


def relative_url(relative_path: str) -> str:
    """Return the address of a file below the page's folder, whatever it is called.

    Every character that means something in an address is percent-encoded, the colon of ``javascript:`` among them.

    Parameters
    ----------
    relative_path : str
        With ``/`` between its parts.

    Returns
    -------
    str

    Notes
    -----
    Source: RFC 3986, 2.1 and 4.2.
    """
    return quote(os.fsencode(relative_path), safe="/")


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
