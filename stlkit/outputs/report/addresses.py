"""Addresses of files, for a page that lies in their folder."""

from __future__ import annotations

import os
from urllib.parse import quote


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
