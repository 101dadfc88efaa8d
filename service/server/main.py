"""The start of the service: `python -m service` reads the settings and runs one process, or several."""

from __future__ import annotations

import logging.config
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from service.core.errors import StartupError
from service.core.memory import check_workers
from service.core.settings import Settings, find_strangers, load_settings
from service.observability.logging import logging_config
from service.observability.traces.start import check_tracing
from service.observability.worker_files import share_folder
from service.security.sources import check_sources
from service.server.metrics_port import open_metrics_port
from service.server.supervisor import Workers
from service.server.worker import FAILED, serve

logger = logging.getLogger("service")


def main() -> int:
    """Run the service until it is told to stop.

    Returns:
        The exit status: 0 after a stop, 3 if it must not start.
    """
    # A stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, _exit)
    try:
        settings = load_settings()
        logging.config.dictConfig(logging_config(settings))
        for name in find_strangers():
            logger.warning("%s is no setting of this service: nothing reads it", name)
        check_tracing()
        check_workers(settings.workers, settings.bundles)
        check_sources(settings)
        with share_folder(settings.workers):
            return _run(settings)
    except StartupError as error:
        sys.stderr.write(f"service: {error}\n")
        return FAILED


def _exit(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _run(settings: Settings) -> int:
    if settings.workers > 1:
        return Workers(settings).run()
    # A closed terminal ends it as Ctrl+C does; log rotation sends the others, which mean nothing here.
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    if has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    else:  # a reload, once there is something to reload
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open_metrics_port(settings) as show:
        serve(settings, show=show)
    return 0


def has_terminal() -> bool:
    """Return whether this process belongs to a terminal, whose end SIGHUP then tells."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
