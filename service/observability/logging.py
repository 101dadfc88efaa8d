"""The set-up of logging."""

from __future__ import annotations

from typing import Any

from service.core.settings import Settings
from service.observability.logs.formats import make_formatter
from service.observability.logs.writer import LogWriter


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes, for our loggers and uvicorn's."""
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": make_formatter, "log_format": settings.log_format}},
        "handlers": {"stderr": {"()": LogWriter, "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {name: {"level": level} for name in ("service", "uvicorn")},
    }
