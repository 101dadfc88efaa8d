"""The settings of what one request may ask for, and of what all that wait may take."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from service.core.configuration.values import MAX_MS


class RequestSettings(BaseSettings):
    """What an operator may choose of requests; a part of `Settings`."""

    max_request_rows: int = Field(
        default=1024, ge=1, description="Most vectors, images or steps in one request."
    )
    max_batch_rows: int = Field(
        default=256, ge=1, description="Most rows of concurrent requests that run as one batch."
    )
    queue_capacity_rows: int = Field(
        default=4096, ge=1, description="Rows that may wait; while so many do, requests are answered 429."
    )
    deadline_ms: int = Field(
        default=5000,
        ge=1,
        le=MAX_MS,
        description="Longest wait of a request before it runs; after that, 504.",
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1, description="Largest request body, in bytes; 16m is 16 MiB."
    )
    max_json_bytes: int = Field(
        default=2 * 1024 * 1024,
        ge=1,
        description="Largest JSON in a request, in bytes; it may hold an eighth as many numbers.",
    )
    max_held_body_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=1,
        description="Bytes of request bodies that each worker holds at once; beyond, 503.",
    )
    max_image_pixels: int = Field(
        default=16_000_000, ge=1, description="Largest uploaded picture, in pixels once decoded."
    )
    max_output_pixels: int = Field(
        default=16_000_000, ge=1, description="Largest picture to draw, in pixels of all its frames."
    )
    cache_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=0,
        description="Bytes of finished pictures that each worker keeps for image URLs; 0: none.",
    )
