"""Owns whom a request came from, where a trusted proxy says it, for what does without uvicorn's layers."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def correct_caller(scope: Any, trusted: Iterable[str]) -> None:
    """Put the caller that a proxy names into a request's scope, as uvicorn's layer would.

    Args:
        scope: Of the request; changed if a trusted proxy sent it.
        trusted: Addresses and networks, as uvicorn takes them.
    """
    with contextlib.suppress(StopIteration):  # it waits for nothing
        _make_layer(tuple(trusted))(scope, _end, _end).send(None)  # type: ignore[arg-type]


@functools.cache
def _make_layer(trusted: tuple[str, ...]) -> ProxyHeadersMiddleware:
    return ProxyHeadersMiddleware(_end, list(trusted))


async def _end(*_arguments: Any) -> None: ...
