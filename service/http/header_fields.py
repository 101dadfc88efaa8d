"""Owns reading header fields of requests: several lines of one name are one list (RFC 9110, section 5.3)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import HTTPConnection

from service.http.negotiation import choose

# Where a request keeps the names of the headers that its answer was chosen by.
VARY = "cvae_vary"


def read_field(request: HTTPConnection, name: str) -> str | None:
    """Return the value of a header, all its lines joined by commas.

    Args:
        request: Whose header it is.
        name: In any case.

    Returns:
        The value, or None without such a line. Of a header that is no list, two values make one that is none.
    """
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


def negotiate(request: HTTPConnection, wanted: str | None, offered: Sequence[str]) -> str:
    """Return the media type to answer a request with; see `choose`, whose errors it raises.

    Unless the query decides, caches must be told that the header did: what `VARY` of the scope is for.
    """
    if wanted is None:
        request.scope[VARY] = "Accept"
    return choose(read_field(request, "accept"), wanted, offered)
