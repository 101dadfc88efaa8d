"""The application: its lifespan, its middleware and its routes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import gc
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service import __version__
from service.admin import routes as admin
from service.api import openapi, overview
from service.api.picture_cache import PictureCache
from service.api.routes import (
    decode,
    digits,
    encode,
    health,
    interpolate,
    latents,
    manifold,
    metrics,
    models,
    reconstruct,
    restyle,
    sample,
)
from service.connections.heads import LIMITS
from service.connections.limits import SocketLimits
from service.core.cpu_count import count_cores
from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.fastpath.protocol import STATE
from service.http import error_handlers
from service.http.bodies.limits import HeldBodies
from service.http.dispatch import DirectApplication, Dispatcher
from service.http.middleware import (
    AnswerHeadersMiddleware,
    BodyLimitMiddleware,
    HeadMiddleware,
    RootPathMiddleware,
)
from service.http.openapi import document
from service.http.rehearsal import rehearse
from service.inference.registry import Registry
from service.observability.metrics import METRICS, Metrics, MetricsMiddleware, Observer
from service.observability.reports import ReportMiddleware, Reports
from service.observability.request_id import RequestIdMiddleware
from service.observability.traces.start import Tracing
from service.security.access import find_scope
from service.security.creation import create_guard
from service.security.dispatcher import GuardedDispatcher, VisitMiddleware, WaitingMiddleware
from service.security.guard import Guard
from service.security.watched_file import Remembered
from service.server import gauges, pages
from service.server.cross_origin import CrossOrigin, allow_origins
from service.server.drain import DRAIN
from service.server.reporting import make_reports
from service.v2 import infer, metadata, statistics
from service.v2 import openapi as v2_openapi
from service.web import routes

ROUTERS = (
    decode.router,
    sample.router,
    interpolate.router,
    reconstruct.router,
    restyle.router,
    encode.router,
    decode.urls,
    digits.router,
    sample.urls,
    interpolate.urls,
    manifold.router,
    latents.urls,
    models.router,
    latents.router,
    statistics.router,
    metadata.router,
    infer.router,
    health.router,
    metrics.router,
)
# How long the thread of large batches may wait for the interpreter. Python's 5 ms are longer than a batch:
# with them, of requests of 256 vectors, a tenth fewer were decoded.
SWITCH_INTERVAL_S = 0.0005
# How long a service that stops tries to send the traces of its last requests.
FLUSH_S = 3.0


class Application:
    """The service as an ASGI application: the direct routes, our own middleware, and FastAPI behind both.

    Middleware added to FastAPI would run nearer to its routes, after what it does for each request.

    Attributes:
        api: The FastAPI application.
        guard: Decides who is let in, or None if everyone is.
        dispatcher: Answers the requests of direct routes, if the guard lets them in.
        direct: The ASGI application of the direct routes.
        entrance: The outermost ASGI application, which requests come to first.
    """

    def __init__(
        self, api: FastAPI, settings: Settings, routers: Sequence[APIRouter], guard: Guard | None
    ) -> None:
        self.api = api
        bodies = HeldBodies(settings.max_body_bytes, settings.max_held_body_bytes)
        inner = BodyLimitMiddleware(AnswerHeadersMiddleware(api), bodies)
        reports: Reports | None = api.state.reports
        metrics: Observer = reports or api.state.metrics
        self.guard = api.state.guard = guard
        rest = _wrap_outer(WaitingMiddleware(inner) if guard else inner, metrics)
        if guard is None:
            self.dispatcher = Dispatcher(api, routers, metrics)
        else:
            self.dispatcher = GuardedDispatcher(api, routers, metrics, guard)
            rest = VisitMiddleware(rest)
        self.direct = api.state.direct = DirectApplication(self.dispatcher, bodies, rest, reports)
        outer = allow_origins(self.direct, settings, metrics)
        entrance = RootPathMiddleware(outer, settings.root_path) if settings.root_path else outer
        self.entrance = ReportMiddleware(entrance, reports) if reports else entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        await self.entrance(scope, receive, send)


def choose_routers(settings: Settings) -> list[APIRouter]:
    """Return the routers that the settings ask for: the metrics may have a port of their own."""
    routers = [*ROUTERS, admin.router] if settings.admin == "on" else [*ROUTERS]
    return [router for router in routers if settings.metrics_port is None or router is not metrics.router]


def create_fast_path(settings: Settings, direct: DirectApplication) -> FastPath | None:
    """Return the fast path, or None where the settings turn it off or name a root path."""
    if settings.fast_path == "off" or settings.root_path:
        return None
    limits = settings.max_head_bytes, settings.max_body_bytes
    # Otherwise only reports ask who the client is.
    proxies = settings.trusted_proxies if isinstance(direct.dispatcher, GuardedDispatcher) else ()
    complete = CrossOrigin(settings.cors_origins).complete if settings.cors_origins else None
    return FastPath(direct, *limits, complete=complete, proxies=proxies)


def create_app(
    settings: Settings,
    registry: Registry | None = None,
    tracing: Tracing | None = None,
    remembered: Remembered | None = None,
) -> Application:
    """Build the application.

    Args:
        settings: The settings of this process.
        registry: The models, loaded already; unset: the lifespan loads them.
        tracing: What records requests, started already; the lifespan ends it.
        remembered: What files of keys and limits said, where one is faulty now.
    """
    api = FastAPI(
        docs_url=None,  # see `pages`
        redoc_url=None,
        title="CVAE service",
        version=__version__,
        summary="Convolutional variational autoencoders over HTTP",
        description=overview.DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=overview.TAGS,
        servers=[{"url": settings.root_path or "/"}],
        generate_unique_id_function=document.name_operation,
        swagger_ui_parameters=overview.PAGE,
        lifespan=_lifespan(settings, registry, tracing),
        # Clients of the Open Inference Protocol follow no redirects.
        redirect_slashes=False,
        # Looked up at each request, it costs more than our own middleware together.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    metrics = api.state.metrics = Metrics()
    api.state.tracer = None if tracing is None else tracing.spans
    guard = create_guard(settings, remembered)
    # A guard is told who the client is before anything is reported.
    api.state.reports = make_reports(settings, metrics, tracing, guard is not None)
    api.state.pictures = PictureCache(settings.cache_bytes, metrics.count_cached)
    api.state.parsing = asyncio.Lock()  # long bodies are parsed one after the other
    routers = choose_routers(settings)
    for router in routers:
        api.include_router(router)
    api.include_router(routes.create_router(settings.playground))
    pages.install(api)
    unseen = openapi.unseen(v2_openapi.BODIES, v2_openapi.PARTS)
    document.install(api, routers, unseen, lambda path: find_scope(path) is None)
    error_handlers.install(api, routers)
    return Application(api, settings, routers, guard)


def _lifespan(settings: Settings, registry: Registry | None, tracing: Tracing | None) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        # Python would make threads for every core of the host, however few this process may use.
        threads = concurrent.futures.ThreadPoolExecutor(count_cores(), "pool")
        asyncio.get_running_loop().set_default_executor(threads)
        loaded = registry
        if loaded is None:
            loaded = Registry(settings)
            await asyncio.to_thread(loaded.start)
        await rehearse()
        # A garbage collection that visits all that stays for ever holds the event loop for 40 ms.
        gc.freeze()
        app.state.registry = loaded
        counts: Metrics = app.state.metrics
        gauges.watch_models(counts, loaded)
        guard: Guard | None = app.state.guard
        jobs = [*(guard.jobs if guard else ())]
        # Others read what is written down: workers, or the thread of the metrics' own port.
        if counts.shared or settings.metrics_port is not None:
            jobs.append(functools.partial(gauges.keep_sampling, counts))
        tasks = [asyncio.create_task(job()) for job in jobs]
        fast = create_fast_path(settings, app.state.direct)
        yield {
            STATE: fast,
            LIMITS: SocketLimits.of(settings),
            DRAIN: loaded.drain,
            METRICS: counts,
        }
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        loaded.close()
        if tracing is not None:
            await asyncio.to_thread(tracing.export.close, FLUSH_S)
        gc.unfreeze()

    return lifespan


def _wrap_outer(app: ASGIApp, counts: Observer) -> ASGIApp:
    return HeadMiddleware(
        MetricsMiddleware(RequestIdMiddleware(app, on_error=error_handlers.answer_unknown), counts)
    )
