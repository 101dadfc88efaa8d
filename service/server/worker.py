"""A process that serves: the only one, or one of several workers."""

from __future__ import annotations

import logging
import logging.config
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import uvicorn

from service.core.errors import StartupError
from service.core.heaps import begin_giving_back, share_heaps
from service.core.settings import Settings, load_settings
from service.observability.logging import logging_config
from service.security.watched_file import Remembered
from service.server.metrics_port import Render
from service.server.processes.listening import listen
from service.server.processes.messages import AT_ONCE
from service.server.security_headers import list_security_headers

if TYPE_CHECKING:
    from service.server.app import Application
    from service.server.processes.line import ParentLine
    from service.server.processes.reloading import LocalReloads

logger = logging.getLogger(__name__)

FAILED = 3
STOPPING = (signal.SIGTERM, signal.SIGINT)
PROTOCOL = "service.fastpath.protocol:FastPathProtocol"
# The versions whose inner parts `connections.connection` and `fastpath.protocol` build on; pyproject.toml has
# the same range.
TESTED_UVICORN = ("0.54",)
# Files besides connections: models, logs, the listening socket, what threads open for a while.
OTHER_FILES = 100


def serve(
    settings: Settings,
    listener: socket.socket | None = None,
    line: Connection | None = None,
    show: Callable[[Render], None] = lambda _: None,
    remembered: Remembered | None = None,
) -> None:
    """Load the models and answer requests until a signal ends it.

    Args:
        settings: The settings of this process.
        listener: A socket that is bound already; None: one is bound to the settings' address.
        line: The pipe to the parent, if there is one.
        show: Called with what returns the metrics, before it listens.
        remembered: What files of keys and limits said, where one is faulty now.

    Raises:
        StartupError: It must not start.
        SystemExit: It cannot listen.
    """
    share_heaps()
    begin_giving_back()
    ends = STOPPING if listener is None else (signal.SIGTERM, AT_ONCE)
    # An exception raised by a signal in the middle of an import would look like that import's failure.
    _heed(ends, os._exit)
    # FastAPI and onnxruntime take half of the time to start; the parent of workers does not import them.
    from service.inference.registry import Registry
    from service.observability.traces.start import start_tracing
    from service.server.app import create_app
    from service.server.drain import DrainingServer
    from service.server.gauges import watch_connections
    from service.server.processes.line import ParentLine
    from service.server.processes.reloading import LocalReloads

    settings = _fit_connections(settings)
    registry = Registry(settings)
    reloads = LocalReloads(registry) if line is None else ParentLine(registry, line)
    registry.start(handover=reloads.open())
    app = create_app(settings, registry, start_tracing(), remembered)
    # Made at the first request for it, the schema would hold the event loop for 90 ms.
    app.api.openapi()
    config = make_config(settings, app)
    drain_s, timeout_s = settings.drain_ms / 1000, settings.shutdown_timeout_ms / 1000
    _prepare_reloads(app, reloads)
    at_once = None if listener is None else AT_ONCE
    server = DrainingServer(config, drain_s, timeout_s, reloads.serve, at_once)
    watch_connections(app.api.state.metrics, server.count_connections)
    show(app.api.state.metrics.render)
    # uvicorn raises the signal again once it has stopped; a stop that was asked for is no failure.
    _heed(ends, sys.exit)
    if listener is not None:
        signal.signal(AT_ONCE, server.handle_exit)
        listen(listener)
    server.run(None if listener is None else [listener])
    if not server.started:
        sys.exit(FAILED)


def _prepare_reloads(app: Application, reloads: LocalReloads | ParentLine) -> None:
    """Have the application reload, and say how many workers there are."""
    app.api.state.reload = reloads.reload
    app.api.state.census = getattr(reloads, "read_census", None)


def make_config(settings: Settings, app: object) -> uvicorn.Config:
    """Return uvicorn's configuration for an application."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        http=choose_protocol(),
        ws="none",
        log_config=None,
        access_log=False,  # by `observability.reports` instead, which says more
        server_header=False,
        headers=list_security_headers(settings),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )


def choose_protocol() -> str:
    """Return the protocol that reads HTTP: ours, or uvicorn's if ours was not tested with its version."""
    if uvicorn.__version__.rpartition(".")[0] in TESTED_UVICORN:
        return PROTOCOL
    logger.warning(
        "uvicorn %s is none of those that this service is tested with (%s): it goes without the fast path "
        "and without limits of connections",
        uvicorn.__version__,
        ", ".join(f"{version}.*" for version in TESTED_UVICORN),
    )
    return "httptools"


def run_worker(listener: socket.socket, line: Connection, remembered: Remembered) -> None:
    """Serve as one of several processes.

    Args:
        listener: A socket that is bound already, shared with the other workers.
        line: The pipe to the parent: this process stops once it is closed.
        remembered: What files of keys and limits said, where one is faulty now.
    """
    # The parent passes its signals on; a terminal would send them to each worker as well.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    try:
        settings = load_settings()
        logging.config.dictConfig(logging_config(settings))
        serve(settings, listener, line, remembered=remembered)
    except StartupError as error:
        sys.stderr.write(f"service: {error}\n")
        sys.exit(FAILED)


def _heed(numbers: Iterable[int], end: Callable[[int], object]) -> None:
    for number in numbers:
        signal.signal(number, lambda *_: end(0))


def _fit_connections(settings: Settings) -> Settings:
    room = _raise_file_limit() - OTHER_FILES
    if room >= settings.max_connections:
        return settings
    logger.warning(
        "CVAE_MAX_CONNECTIONS: %d would need more open files than this process may have; it takes %d",
        settings.max_connections,
        room,
    )
    return settings.model_copy(update={"max_connections": max(1, room)})


def _raise_file_limit() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # a limit of the kernel's own
            hard = soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard
