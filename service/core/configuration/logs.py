"""The settings of logs: how much is logged, as what, and which requests have a line."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from service.core.configuration.values import MAX_MS


class LogSettings(BaseSettings):
    """What an operator may choose of logs; a part of `Settings`."""

    access_log: bool = Field(default=False, description="Also log each request, in one line.")
    access_log_sample: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of requests that CVAE_ACCESS_LOG logs; those that failed (5xx) are always logged.",
    )
    slow_request_ms: int = Field(
        default=0,
        ge=0,
        le=MAX_MS,
        description="Log each request that takes as long, as a warning; 0: none for that.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Lines of the log: text, or json, an object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe messages to log: debug, info, warning or error."
    )

    @property
    def reports_requests(self) -> bool:
        """Whether requests may have a line in the log."""
        return self.access_log or self.slow_request_ms > 0
