"""The settings of what answers allow other sites: to read, to frame, to embed, to see times."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from service.core.configuration import values

ResourcePolicy = Literal["cross-origin", "same-site", "same-origin"]
NOBODY, OURSELVES = "none", "self"
WORDS = (NOBODY, OURSELVES)


class HeaderSettings(BaseSettings):
    """What an operator may choose of the header fields for other sites; a part of `Settings`."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins whose pages may call the service, separated by commas; * for all."
    )
    frame_ancestors: str = Field(
        default=OURSELVES,
        description="Origins whose pages may frame answers, separated by commas; self, none, or * for all.",
    )
    resource_policy: ResourcePolicy = Field(
        default="cross-origin",
        description="Sites whose pages may show pictures: cross-origin (all), same-site or same-origin.",
    )
    timing_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may see the times of requests, separated by commas; * for all.",
    )

    @field_validator("frame_ancestors")
    @classmethod
    def _read_ancestors(cls, value: str) -> str:
        parts = [_read_ancestor(part) for part in values.split_list(value)]
        if NOBODY in parts and len(parts) > 1:
            raise ValueError(f"expected {NOBODY} alone, or others without it")
        return " ".join(dict.fromkeys(parts))

    @field_validator("cors_origins", "timing_origins", mode="before")
    @classmethod
    def _read_origins(cls, value: Any) -> Any:
        parts = values.split_list(value) if isinstance(value, str) else value
        return tuple(dict.fromkeys(map(values.read_origin, parts)))


def _read_ancestor(text: str) -> str:
    word = text.lower().strip("'")
    return word if word in WORDS else values.read_origin(text)
