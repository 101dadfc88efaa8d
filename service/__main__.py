"""Reads the settings, checks that the service can run, and runs uvicorn: `python -m service`."""

from __future__ import annotations

import contextlib
import logging.config
import os
import signal
import sys
import tempfile
from types import FrameType
from typing import Any, NoReturn

import uvicorn

from service.errors import StartupError
from service.metrics import SHARED_FOLDER
from service.registry import Registry
from service.settings import Settings, load_settings
from service.telemetry import logging_config

FAILED = 3
# Idle connections: longer than callers keep theirs (a minute, or KServe's 65 s), so that none sends a request
# on one that is being closed.
KEEP_ALIVE_S = 75


def main() -> int:
    """Runs the service until it is told to stop.

    Returns:
        The exit status: 0 after a stop, 3 if it must not start.
    """
    # uvicorn raises the signal again once it has stopped; a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, _exit)
    try:
        settings = load_settings()
        logging.config.dictConfig(logging_config(settings))
        registry = Registry(settings)
        registry.start()
        shared = _share_metrics(settings)
    except StartupError as error:
        sys.stderr.write(f"service: {error}\n")
        return FAILED
    with shared:
        _run(settings, registry)
    return 0


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _share_metrics(settings: Settings) -> contextlib.AbstractContextManager[Any]:
    """Gives several workers a folder to count in, for as long as the context lasts."""
    if settings.workers == 1 or SHARED_FOLDER in os.environ:
        return contextlib.nullcontext()
    try:
        folder = tempfile.TemporaryDirectory(prefix="cvae-")
    except OSError as error:
        raise StartupError(
            f"CVAE_WORKERS: expected a temporary folder to count in, found none: {error}"
        ) from error
    os.environ[SHARED_FOLDER] = folder.name
    return folder


def _run(settings: Settings, registry: Registry) -> None:
    several = settings.workers > 1
    uvicorn.run(
        # Workers load the models themselves; loading them here first has shown that they can.
        "service.app:create_worker_app" if several else _create_app(settings, registry),
        factory=several,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http="service.protocol:LaneProtocol",
        log_config=None,
        access_log=settings.access_log,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
    )


def _create_app(settings: Settings, registry: Registry) -> Any:
    # Not at the top: FastAPI takes half of the time to start, and a parent of workers does without it.
    from service.app import create_app

    return create_app(settings, registry)


if __name__ == "__main__":
    sys.exit(main())
