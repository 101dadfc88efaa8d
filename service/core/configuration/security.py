"""The settings of who is let in, and of whose word on a client is believed. The repr holds no keys."""

from __future__ import annotations

import pathlib
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from service.core.configuration import values


class SecuritySettings(BaseSettings):
    """What an operator may choose; part of `Settings`."""

    api_keys: str = Field(
        default="",
        repr=False,
        description="API keys, or their hashes; requests then need one. Separated by commas; "
        "docs/security.md has their form.",
    )
    api_keys_file: pathlib.Path | None = Field(
        default=None, description="File of API keys, one a line; read again when it changes."
    )
    signing_keys: str = Field(
        default="",
        repr=False,
        description="Pairs KEY:SALT in hex, separated by commas; image URLs then need a signature by one.",
    )
    signing_keys_file: pathlib.Path | None = Field(
        default=None, description="File of such pairs, one a line; read again when it changes."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas, "
        "or *.",
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _read_proxies(cls, value: Any) -> Any:
        parts = values.split_list(value) if isinstance(value, str) else value
        proxies = tuple(map(values.read_proxy, parts))
        return (values.ALL,) if values.ALL in proxies else proxies
