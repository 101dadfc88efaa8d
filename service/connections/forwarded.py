"""The client's address that a trusted proxy names, for requests that bypass uvicorn's middleware."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def correct_caller(scope: Any, trusted: Iterable[str]) -> None:
    """Write the client that a proxy names into a request's scope, as uvicorn's middleware would.

    Args:
        scope: The ASGI scope; changed if a trusted proxy sent the request.
        trusted: Addresses and networks, as uvicorn takes them.
    """
    with contextlib.suppress(StopIteration):  # it waits for nothing, so one step is all
        _make_middleware(tuple(trusted))(scope, _end, _end).send(None)  # type: ignore[arg-type]


@functools.cache
def _make_middleware(trusted: tuple[str, ...]) -> ProxyHeadersMiddleware:
    return ProxyHeadersMiddleware(_end, list(trusted))


async def _end(*_arguments: Any) -> None: ...
