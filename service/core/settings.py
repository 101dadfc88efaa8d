"""The settings: frozen, typed, from `CVAE_*` variables and a `.env` file. Limits name their unit."""

from __future__ import annotations

import os
import pathlib
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticUseDefault
from pydantic_settings import DotEnvSettingsSource, SettingsConfigDict

from service.core.choices import Provider
from service.core.configuration import values
from service.core.configuration.connections import ConnectionSettings
from service.core.configuration.headers import HeaderSettings
from service.core.configuration.limits import LimitSettings
from service.core.configuration.logs import LogSettings
from service.core.configuration.models import ModelSettings
from service.core.configuration.names import LINK, find_unread
from service.core.configuration.requests import RequestSettings
from service.core.configuration.security import SecuritySettings
from service.core.cpu_count import count_cores
from service.core.errors import StartupError
from service.core.memory import fit_workers
from service.core.shipped_models.folders import MODELS_DIR, list_bundles

ENV_FILE = ".env"
MAX_WORKERS = 64


class Settings(
    ModelSettings,
    RequestSettings,
    ConnectionSettings,
    SecuritySettings,
    LimitSettings,
    HeaderSettings,
    LogSettings,
):
    """What an operator may choose; `CVAE_PORT=9000` sets `port`."""

    model_config = SettingsConfigDict(
        env_prefix="CVAE_", env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for all, :: for all of IPv6."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on.")
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="TCP port for /metrics alone, which is then not on the other.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=MAX_WORKERS,
        description="Server processes; auto: one for each core that may be used, as far as memory allows.",
    )
    provider: Provider = Field(
        default="auto",
        description="Where onnxruntime runs: auto (the GPU if there is one), cpu, cuda or tensorrt.",
    )
    intra_op_threads: int = Field(
        default=1, ge=1, le=256, description="Threads onnxruntime uses inside one operation, in each worker."
    )
    inter_op_threads: int = Field(
        default=1, ge=1, le=256, description="Threads onnxruntime uses across operations, in each worker."
    )
    admin: Literal["on", "off"] = Field(
        default="off",
        description="on: POST /admin/reload reloads bundles, for whoever can reach it, or has a key with the "
        "scope admin.",
    )
    worker_timeout_ms: int = Field(
        default=5000,
        ge=0,
        le=values.MAX_MS,
        description="Of several workers, one that stands still for so long is replaced; 0: none is.",
    )
    root_path: str = Field(
        default="", description="Path under which a proxy serves this service, such as /cvae."
    )
    fast_path: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: answer requests beside ASGI where possible; off: never. The answers are the same.",
    )
    playground: Literal["on", "off"] = Field(
        default="on", description="on: the playground is at /; off: / leads to the documentation."
    )

    @field_validator("workers", mode="before")
    @classmethod
    def _count(cls, value: Any, info: ValidationInfo) -> Any:
        if value != "auto":
            return value
        # The data lack what was invalid, which is an error of its own.
        given = {"models_dir": MODELS_DIR, "shipped_models": False, **info.data}
        bundles = list_bundles(given["models_dir"], shipped=given["shipped_models"])
        return min(count_cores(), fit_workers(bundles), MAX_WORKERS)

    @field_validator("root_path")
    @classmethod
    def _read_prefix(cls, value: str) -> str:
        return values.read_prefix(value)

    # The last of the validators that come before the types is the first to run.
    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        if not isinstance(value, str) or value == cls.model_fields[name].default:
            return value
        if not value.strip() or (name.endswith("port") and LINK.fullmatch(value.strip())):
            raise PydanticUseDefault
        return values.tidy(name, value.strip())

    @model_validator(mode="before")
    @classmethod
    def _follow_others(cls, data: dict[str, Any]) -> dict[str, Any]:
        # The name under which uvicorn and gunicorn read the same.
        others = os.environ.get("FORWARDED_ALLOW_IPS", "")
        return data if data.get("trusted_proxies") or not others else {**data, "trusted_proxies": others}


def load_settings() -> Settings:
    """Read the settings from the environment and `.env`.

    Raises:
        StartupError: A value has the wrong type or range, or a variable's name is misspelt; the message names
            the variable.
    """
    find_strangers()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise StartupError(f"CVAE_{first['ctx']['error']}") from error
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise StartupError(f"CVAE_{name}: {reason}, received {first['input']!r}") from error


def find_strangers() -> list[str]:
    """Return the `CVAE_*` variables that no setting reads.

    Raises:
        StartupError: One is a misspelt setting, or `.env` cannot be read.
    """
    return find_unread(read_variables(), Settings.model_fields)


def read_variables() -> dict[str, str | None]:
    """Return the variables of the environment and `.env`, by names in capitals."""
    if pathlib.Path(ENV_FILE).is_fifo():
        # To open it would wait until somebody writes, and what is read once is gone for the next.
        raise StartupError(f"{ENV_FILE}: expected a file, received a named pipe")
    try:
        written = DotEnvSettingsSource(Settings).env_vars
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"{ENV_FILE}: expected a text in UTF-8, cannot read it: {error}") from error
    return {name.upper(): value for name, value in {**written, **os.environ}.items()}
