"""Owns request ids and logging."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

from service.core.settings import Settings

logger = logging.getLogger(__name__)


def logging_config(settings: Settings) -> dict[str, Any]:
    """Gives the logging set-up, for our loggers and uvicorn's.

    Args:
        settings: Gives the level.

    Returns:
        A dict for `logging.config.dictConfig`.
    """
    level = settings.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {name: {"level": level} for name in ("service", "uvicorn", "uvicorn.access")},
    }
