"""Reading header fields of requests: several lines of one name are one list (RFC 9110, section 5.3)."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from starlette.requests import HTTPConnection

from service.http.negotiation import choose

# Where a request keeps the names of the headers that its answer was chosen by.
VARY = "cvae_vary"
# Where it keeps its joined fields.
FIELDS = "cvae_fields"
# Values that are kept understood, for they come again, and how long one of them may be.
KEPT, KEPT_CHARACTERS = 256, 256


def join_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the values of headers by name, all lines of a name joined by commas."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields[name] = value if name not in fields else b", ".join((fields[name], value))
    return fields


def read_field(request: HTTPConnection, name: str) -> str | None:
    """Return the value of a header, all its lines joined by commas.

    Args:
        request: Whose header it is.
        name: In any case.

    Returns:
        The value, or None without such a line. Of a header that is no list, two values make one that is none.
    """
    scope = request.scope
    fields = scope.get(FIELDS)
    if fields is None:
        fields = scope[FIELDS] = join_fields(scope["headers"])
    value = fields.get(_spell(name))
    return None if value is None else value.decode("latin-1")


def negotiate(request: HTTPConnection, wanted: str | None, offered: Sequence[str]) -> str:
    """Return the media type to answer a request with; see `choose`, whose errors it raises.

    Unless the query decides, caches must be told that the header did: what `VARY` of the scope is for.
    """
    if wanted is None:
        request.scope[VARY] = "Accept"
    accept = read_field(request, "accept")
    if accept is not None and len(accept) > KEPT_CHARACTERS:
        return choose(accept, wanted, offered)
    return _choose(accept, wanted, tuple(offered))


_choose = functools.lru_cache(KEPT)(choose)


@functools.lru_cache(KEPT)
def _spell(name: str) -> bytes:
    return name.lower().encode()
