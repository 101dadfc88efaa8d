"""A visit without a connection."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from service.security.guard import Visit


def visit(target: str = "/decode.png", method: str = "GET", **fields: str) -> Visit:
    """Return the visit of a request; `x_api_key` names the field `x-api-key`."""
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()],
        "client": ("192.0.2.1", 7),
    }
    return Visit(scope)
