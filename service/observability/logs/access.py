"""One line a request: which requests have one, and what it says.

Never what a client sent: no body, no key, and of the URL the route's template, without the query, which may
hold a signature. Where no route matches, the path says what was looked for.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import MutableMapping
from typing import Any, NamedTuple
from urllib.parse import quote

from service.core.configuration.logs import LogSettings
from service.observability.exchange import Exchange
from service.observability.logs.formats import FIELDS
from service.observability.metrics import CALL, NO_ROUTE, Timings, find_route
from service.observability.traces.context import list_ids

logger = logging.getLogger("service.access")

FAILED = 500
PATH_CHARACTERS = 200
DRAWN_BITS = 32
DRAWN = 1 << DRAWN_BITS
# Of addresses, which come from trusted proxies, but perhaps unchecked.
ADDRESS_CHARACTERS = ":[]%"


class Line(NamedTuple):
    """What a line says of a request; as a text, it begins as uvicorn's lines do."""

    client: str
    method: str
    target: str
    http_version: str
    status: int
    fields: dict[str, Any]

    def __str__(self) -> str:
        """Return the line as text."""
        told = (fact for fact in self.fields.items() if fact[0] != "path" and fact[1] is not None)
        return " ".join([self.head, *(f"{name}={value}" for name, value in told)])

    @property
    def head(self) -> str:
        """How the line begins."""
        return f'{self.client} - "{self.method} {self.target} HTTP/{self.http_version}" {self.status}'

    def list_members(self) -> dict[str, Any]:
        """Return the members of the line's object in JSON."""
        route = None if "path" in self.fields else self.target
        own = {"message": self.head, "client": self.client, "method": self.method, "route": route}
        return own | {"status": self.status} | self.fields


class AccessLog:
    """Decides which requests have a line, and logs it."""

    def __init__(self, settings: LogSettings) -> None:
        """Store what decides.

        Args:
            settings: Whether all requests have a line, or some, or those that are slow.
        """
        self._bound = round(settings.access_log_sample * DRAWN) if settings.access_log else 0
        self._failed_from = FAILED if settings.access_log else math.inf
        self._slow_s = settings.slow_request_ms / 1000 or math.inf

    def wants(self, status: int, seconds: float) -> bool:
        """Return whether a request is to be logged."""
        if seconds >= self._slow_s or status >= self._failed_from:
            return True
        return random.getrandbits(DRAWN_BITS) < self._bound

    def log(self, scope: MutableMapping[str, Any], status: int, seconds: float, exchange: Exchange) -> None:
        """Log a request.

        Args:
            scope: The request's, with the client that a trusted proxy names, if there is one.
            status: Of the answer.
            seconds: From its head to the end of its answer.
            exchange: What went to and fro.
        """
        is_slow = seconds >= self._slow_s
        level = logging.WARNING if is_slow else logging.INFO
        if not logger.isEnabledFor(level):
            return
        line = _describe(scope, status, seconds, exchange)
        if is_slow:
            line.fields["slow"] = True
        # Made here: looking for the line of this call would take as long as all the rest.
        record = logging.LogRecord(logger.name, level, __file__, 0, line, None, None)
        vars(record)[FIELDS] = line.list_members
        logger.handle(record)


def _describe(scope: MutableMapping[str, Any], status: int, seconds: float, exchange: Exchange) -> Line:
    fields: dict[str, Any] = {
        "duration_ms": _to_ms(seconds),
        "bytes_in": exchange.received_bytes,
        "bytes_out": exchange.sent_bytes,
    }
    call: Timings | None = scope.get(CALL)
    if call is not None and (call.rows or call.encode_s):
        fields["queue_ms"], fields["inference_ms"] = _to_ms(call.queue_s), _to_ms(call.inference_s)
        fields["encode_ms"], fields["rows"] = _to_ms(call.encode_s), call.rows
    fields["model"] = exchange.model or None
    fields |= list_ids(scope)
    target = find_route(scope)
    if target == NO_ROUTE:
        target = fields["path"] = quote(scope["path"][:PATH_CHARACTERS])
    return Line(_name_client(scope), exchange.method, target, scope["http_version"], status, fields)


def _name_client(scope: MutableMapping[str, Any]) -> str:
    client = scope.get("client")
    return f"{quote(str(client[0]), safe=ADDRESS_CHARACTERS)}:{client[1]}" if client else ""


def _to_ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)
