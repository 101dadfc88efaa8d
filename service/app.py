"""Owns the application: lifespan, middleware, routes, and the one table from errors to statuses."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging.config
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import __version__, errors
from service.calls import HEADER
from service.cores import count_cores
from service.lane import Lane
from service.layers import HeadAsGet
from service.metrics import CLIENT_GONE, Meter, Metrics
from service.protocol import STATE
from service.registry import Registry
from service.routes import (
    decode,
    digits,
    encode,
    health,
    interpolate,
    latents,
    manifold,
    metrics,
    models,
    openapi,
    overview,
    reconstruct,
    sample,
)
from service.routes.problems import problem
from service.schemas import Fault
from service.settings import Settings, load_settings
from service.telemetry import REQUEST_ID, RequestId, logging_config
from service.uploads import UPLOADS_AT_ONCE

STATUSES: dict[type[errors.ServiceError], int] = {
    errors.MalformedBodyError: 400,
    errors.NotFoundError: 404,
    errors.NotAcceptableError: 406,
    errors.TooLargeError: 413,
    errors.MediaTypeError: 415,
    errors.InvalidValueError: 422,
    errors.QueueFullError: 429,
    errors.NotReadyError: 503,
    errors.DeadlineError: 504,
}
ROUTERS = (
    decode.router,
    sample.router,
    interpolate.router,
    reconstruct.router,
    encode.router,
    decode.urls,
    digits.router,
    sample.urls,
    interpolate.urls,
    manifold.router,
    latents.urls,
    models.router,
    latents.router,
    health.router,
    metrics.router,
)
# What pydantic says when something else stands where an object should.
NOT_OBJECT = {"model_type", "model_attributes_type", "dict_type"}
# How long the thread of large batches may wait for the interpreter. Python's 5 ms are longer than a batch: of
# 256 vectors a request, a tenth fewer were decoded.
SWITCH_INTERVAL_S = 0.0005
PAGE_POLICY = "default-src 'self' 'unsafe-inline' data: blob:"
EXPOSED_HEADERS = (
    REQUEST_ID,
    "CVAE-Model",
    "CVAE-Reconstruction-Loss",
    "CVAE-Seed",
    "Content-Disposition",
    "Content-Location",
    "ETag",
    "Retry-After",
    HEADER,
)


class Application:
    """The service as an ASGI application: our own layers, and FastAPI behind them.

    FastAPI's place for middleware would be nearer to its routes, behind what it does for each request.

    Attributes:
        api: The FastAPI application.
        entrance: The outermost layer.
    """

    def __init__(self, api: FastAPI, settings: Settings) -> None:
        """Puts the layers around FastAPI, the innermost first."""
        self.api = api
        inner = BodyLimit(SameHostPages(api), settings.max_body_bytes)
        self.entrance = _outer_layers(inner, settings, api.state.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, or the lifespan."""
        await self.entrance(scope, receive, send)


def create_lane(settings: Settings, registry: Registry, counts: Metrics) -> Lane:
    """Builds the fast lane beside an application.

    Args:
        settings: Of both.
        registry: Started, of both.
        counts: Of both.

    Returns:
        The lane, whose errors are answered as the application answers them.
    """

    def refusal(error: BaseException) -> ASGIApp:
        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            response = await _answer_service_error(Request(scope), error)
            await response(scope, receive, send)

        return _outer_layers(refuse, settings, counts)

    vary = "Accept, Origin" if settings.cors_origins else "Accept"
    return Lane(registry, settings.max_body_bytes, vary, refusal, counts)


def create_app(settings: Settings, registry: Registry | None = None) -> Application:
    """Builds the application.

    Args:
        settings: Of this process.
        registry: Started already; unset: made and started by the lifespan.

    Returns:
        An ASGI application.
    """
    api: FastAPI = FastAPIOffline(
        title="CVAE service",
        version=__version__,
        summary="Convolutional variational autoencoders over HTTP",
        description=overview.DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=overview.TAGS,
        generate_unique_id_function=openapi.name_operation,
        swagger_ui_parameters=overview.PAGE,
        lifespan=_lifespan(settings, registry),
        # Asked for at each request, it costs more than our own layers together.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    api.state.metrics = Metrics()
    for router in ROUTERS:
        api.include_router(router)
    api.add_api_route("/", _to_docs, include_in_schema=False)
    openapi.install(api)
    api.add_exception_handler(errors.ServiceError, _answer_service_error)
    api.add_exception_handler(ClientDisconnect, _answer_gone)
    api.add_exception_handler(RequestValidationError, _answer_validation_error)
    api.add_exception_handler(HTTPException, _answer_http_error)
    api.add_exception_handler(Exception, _answer_unknown)
    return Application(api, settings)


def create_worker_app() -> Application:
    """Builds the application of a worker process, from its environment."""
    settings = load_settings()
    logging.config.dictConfig(logging_config(settings))
    return create_app(settings)


class SameHostPages:
    """Lets HTML pages load nothing from elsewhere: ReDoc's script would fetch its makers' logo."""

    def __init__(self, app: ASGIApp) -> None:
        """Stores the wrapped application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = PAGE_POLICY
            await send(message)

        await self.app(scope, receive, send_with_policy)


class BodyLimit:
    """Refuses bodies above a size: by their declared length before reading, else as soon as they pass it."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        """Stores the wrapped application and the limit."""
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self.max_body_bytes:
            response = self._refuse(Request(scope), declared.decode())
            await response(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                # FastAPI lets this one exception through while it reads a body.
                raise HTTPException(413)
            return message

        await self.app(scope, limited, send)

    def _refuse(self, request: Request, received: str) -> Response:
        fault = Fault(field="body", expected=f"at most {self.max_body_bytes} bytes", received=received)
        detail = f"body: expected {fault.expected}, received {received}"
        return problem(request, 413, detail, [fault])


def _lifespan(settings: Settings, registry: Registry | None) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        # Python would make threads for each core of the host, whatever this process may use of it.
        threads = concurrent.futures.ThreadPoolExecutor(count_cores() + UPLOADS_AT_ONCE, "pool")
        asyncio.get_running_loop().set_default_executor(threads)
        loaded = registry
        if loaded is None:
            loaded = Registry(settings)
            await asyncio.to_thread(loaded.start)
        app.state.registry = loaded
        yield {STATE: create_lane(settings, loaded, app.state.metrics)}
        loaded.close()

    return lifespan


def _outer_layers(app: ASGIApp, settings: Settings, counts: Metrics) -> ASGIApp:
    app = HeadAsGet(Meter(RequestId(app, on_error=_answer_unknown), counts))
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
    )


async def _to_docs(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


async def _answer_service_error(request: Request, error: BaseException) -> Response:
    if isinstance(error, errors.ClientGoneError):
        return await _answer_gone(request, error)
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        raise error  # for the log, and for the answer to everything unknown
    if isinstance(error, errors.QueueFullError):
        return problem(request, status, str(error), headers={"Retry-After": str(error.retry_after_s)})
    if isinstance(error, errors.ClientError):
        fault = Fault(field=error.field, expected=error.expected, received=error.received)
        return problem(request, status, str(error), [fault])
    return problem(request, status, str(error))


async def _answer_gone(_request: Request, _error: BaseException) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    entries: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else []
    if entries and entries[0]["type"] == "json_invalid":
        where, reason = entries[0]["loc"][-1], entries[0]["ctx"]["error"]
        fault = Fault(
            field="body", expected="JSON", received=f"a text that breaks at character {where} ({reason})"
        )
        return problem(request, 400, f"body: expected JSON, received {fault.received}", [fault])
    faults = [_to_fault(entry) for entry in entries]
    first = faults[0]
    return problem(
        request, 422, f"{first.field}: expected {first.expected}, received {first.received}", faults
    )


def _to_fault(entry: dict[str, Any]) -> Fault:
    where = entry["loc"][1:] or entry["loc"]
    context = entry.get("ctx", {})
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
    if "expected" in context and "received" in context:
        return Fault(
            field=field + context["at"], expected=context["expected"], received=_cut(context["received"])
        )
    if entry["type"] == "missing":
        return Fault(field=field, expected="a value", received="nothing")
    if entry["type"] == "extra_forbidden":
        return Fault(field=field, expected="no field of this name", received=errors.shorten(entry["input"]))
    expected = "a JSON object" if entry["type"] in NOT_OBJECT else _expectation(entry["msg"])
    return Fault(field=field, expected=expected, received=errors.shorten(entry["input"]))


def _expectation(message: str) -> str:
    return message.removeprefix("Input should be ").split(", unable")[0]


def _cut(text: str) -> str:
    return errors.shorten(errors.Text(text))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, ClientDisconnect):  # FastAPI takes it for a broken body
        return await _answer_gone(request, error)
    status = getattr(error, "status_code", 500)
    detail = str(getattr(error, "detail", "")) or "the request failed"
    faults = []
    if status == 404:
        detail = f"there is nothing at {errors.shorten(errors.Text(request.url.path))}"
    if status == 400 and detail == "There was an error parsing the body":
        faults = [Fault(field="body", expected="JSON", received="a text that cannot be read as JSON")]
    if status == 413:
        detail = "body: larger than the limit"
        faults = [Fault(field="body", expected="fewer bytes (CVAE_MAX_BODY_BYTES)", received="more")]
    headers = dict(getattr(error, "headers", None) or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"  # which a layer answers
    return problem(request, status, detail, faults, headers)


async def _answer_unknown(request: Request, _: Exception) -> Response:
    return problem(request, 500, "The service failed; its log has the request id.")
