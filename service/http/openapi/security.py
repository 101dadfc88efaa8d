"""The OpenAPI entries of API keys and of limits: whether there are any is the operator's to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.http.openapi import errors
from service.http.problems import PROTOCOL

# Without the right key or signature, and beyond the limit.
REFUSED = (401, 403, 429)
SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, if the operator asks for one.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, where `Authorization` is for a proxy in front of the service.",
    },
}
# None, or either.
OPTIONAL: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"key": []}]


def describe(schema: dict[str, Any], is_open: Callable[[str], bool]) -> None:
    """Add the schemes, what needs a key, and how it is refused without one, or to those who ask too often.

    Args:
        schema: As FastAPI derives it.
        is_open: Whether a path never needs a key.
    """
    schema["security"] = OPTIONAL
    schema["components"]["securitySchemes"] = SCHEMES
    for path, operations in schema["paths"].items():
        write = errors.protocol_responses if path.startswith(PROTOCOL) else errors.responses
        for operation in operations.values():
            if is_open(path):
                operation["security"] = []
                continue
            for status in REFUSED:
                operation["responses"].setdefault(str(status), write(status)[status])
