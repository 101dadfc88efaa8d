"""Read header fields of requests: several lines of one name are one list (RFC 9110, section 5.3)."""

from __future__ import annotations

import functools
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from starlette.requests import HTTPConnection

from service.http.negotiation import choose

# The key under which a request's scope holds the name of the header that its answer was chosen by.
VARY = "cvae_vary"
# The key under which it holds its header fields by name, from `join_fields`.
FIELDS = "cvae_fields"
# How many parsed values are kept, because they come again, and how long such a value may be.
KEPT, KEPT_BYTES = 256, 256


def join_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the values of headers by name, all lines of a name joined by commas."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields[name] = value if name not in fields else b", ".join((fields[name], value))
    return fields


def find_fields(request: HTTPConnection) -> dict[bytes, bytes]:
    """Return the values of all headers of a request by name, which are joined once."""
    return scope_fields(request.scope)


def scope_fields(scope: MutableMapping[str, Any]) -> dict[bytes, bytes]:
    """Return the same of a request's ASGI scope."""
    fields: dict[bytes, bytes] | None = scope.get(FIELDS)
    if fields is None:
        fields = scope[FIELDS] = join_fields(scope["headers"])
    return fields


def read_field(request: HTTPConnection, name: str) -> str | None:
    """Return the value of a header, all its lines joined by commas.

    Args:
        request: The request that has the header.
        name: The header's name, in upper or lower case.

    Returns:
        The value, or None without such a line. If the header is no list, two lines make an invalid value.
    """
    value = scope_fields(request.scope).get(_spell(name))
    return None if value is None else value.decode("latin-1")


def negotiate(request: HTTPConnection, wanted: str | None, offered: Sequence[str]) -> str:
    """Return the media type to answer a request with; see `choose`, whose errors it raises.

    Unless the query decides, caches must be told that the header did: `VARY` of the scope notes that.
    """
    if wanted is None:
        request.scope[VARY] = "Accept"
    accept = scope_fields(request.scope).get(b"accept")
    if accept is not None and len(accept) > KEPT_BYTES:
        return choose(accept.decode("latin-1"), wanted, offered)
    return _choose(accept, wanted, tuple(offered))


@functools.lru_cache(KEPT)
def _choose(accept: bytes | None, wanted: str | None, offered: tuple[str, ...]) -> str:
    return choose(None if accept is None else accept.decode("latin-1"), wanted, offered)


@functools.lru_cache(KEPT)
def _spell(name: str) -> bytes:
    return name.lower().encode()
