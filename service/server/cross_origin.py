"""Let pages of other origins ask the service."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.configuration.values import ALL
from service.core.errors import shorten
from service.core.headers import LENGTH_HEADER, REQUEST_ID, SERVER_TIMING
from service.core.settings import Settings
from service.http.error_handlers import answer_unknown
from service.http.header_fields import scope_fields
from service.http.problems import Fault, problem
from service.observability.metrics import MetricsMiddleware, Observer
from service.observability.request_id import RequestIdMiddleware

EXPOSED_HEADERS = (
    REQUEST_ID,
    "CVAE-Model",
    "CVAE-Reconstruction-Loss",
    "CVAE-Seed",
    "Content-Disposition",
    "Content-Location",
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    SERVER_TIMING,
    LENGTH_HEADER,
)
EXPOSED = (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode())
ALLOWED = b"access-control-allow-origin"
VARY, ORIGIN = b"vary", b"origin"
REFUSED = 400
# Of what Starlette says of a preflight, what its body has no part in.
OF_BODY = ("content-length", "content-type")
Field = tuple[bytes, bytes]


class CrossOrigin:
    """Tells browsers which pages of other origins may read an answer."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Write the header fields for each origin.

        Args:
            origins: Of the settings: those that may, or `*` among them for all.
        """
        anyone = ALL in origins
        self._fields = (
            {} if anyone else {name: [EXPOSED, (ALLOWED, name)] for name in map(str.encode, origins)}
        )
        self._others = [(ALLOWED, ALL.encode()), EXPOSED] if anyone else [EXPOSED]

    def complete(self, scope: MutableMapping[str, Any], fields: list[Field]) -> None:
        """Add what browsers look for to the header fields of an answer, and that these vary by origin."""
        origin = scope_fields(scope).get(ORIGIN)
        if origin is not None:
            fields += self._fields.get(origin, self._others)
        _add_vary(fields)


def _add_vary(fields: list[Field]) -> None:
    found = [field for field in fields if field[0] == VARY]
    vary = VARY, b", ".join([*(value for _, value in found), b"Origin"])
    if not found:
        fields.append(vary)
        return
    fields[fields.index(found[0])] = vary
    for field in found[1:]:
        fields.remove(field)


class CrossOriginMiddleware(CORSMiddleware):
    """Lets pages of other origins ask, and answers their preflights, which no application within it sees."""

    def __init__(self, app: ASGIApp, metrics: Observer, cross_origin: CrossOrigin, **options: Any) -> None:
        super().__init__(app, **options)
        self._preflights = MetricsMiddleware(RequestIdMiddleware(self._answer, answer_unknown), metrics)
        self._cross_origin = cross_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if is_preflight(scope):
            await self._preflights(scope, receive, send)
            return

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = message["headers"] = [*message.get("headers", ())]
                self._cross_origin.complete(scope, fields)
            await send(message)

        await self.app(scope, receive, send_completed if scope["type"] == "http" else send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope)
        response = self.preflight_response(asked)
        if response.status_code == REFUSED:
            headers = {name: value for name, value in response.headers.items() if name not in OF_BODY}
            faults = list(self._find_faults(asked))
            response = problem(Request(scope), REFUSED, str(faults[0]), faults, headers)
        await response(scope, receive, send)

    def _find_faults(self, asked: Headers) -> Iterator[Fault]:
        """Yield what is refused of a preflight; any header fields may be asked for."""
        origin, method = asked["origin"], asked["access-control-request-method"]
        private = asked.get("access-control-request-private-network")
        if not self.is_allowed_origin(origin):
            yield Fault(field="Origin", expected="one of CVAE_CORS_ORIGINS", received=shorten(origin))
        if method not in self.allow_methods:
            expected = "GET, HEAD or POST"
            yield Fault(field="Access-Control-Request-Method", expected=expected, received=shorten(method))
        if private is not None:
            field = "Access-Control-Request-Private-Network"
            yield Fault(field=field, expected="nothing", received=shorten(private))


def is_preflight(scope: Scope) -> bool:
    """Return whether a request asks, for a browser, what a page may ask."""
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    headers = Headers(scope=scope)
    return "origin" in headers and "access-control-request-method" in headers


def allow_origins(app: ASGIApp, settings: Settings, metrics: Observer) -> ASGIApp:
    """Return an application that lets pages of the settings' origins ask another one.

    Args:
        app: The other one.
        settings: Name the origins.
        metrics: Told of the answers that do not come from that one.
    """
    if not settings.cors_origins:
        return app
    return CrossOriginMiddleware(
        app,
        metrics,
        CrossOrigin(settings.cors_origins),
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["*"],
    )
