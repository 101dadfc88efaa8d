"""Owns `Connection`: what the blocking client and that for asyncio have in common."""

from __future__ import annotations

from typing import Generic, TypeVar, Unpack

import httpx

from service.client.files import Urls
from service.client.render_options import Look
from service.client.sansio import Options
from service.core.choices import Format

H = TypeVar("H", bound=httpx.Client | httpx.AsyncClient)

EXAMPLE = "http://localhost:8000"
TIMEOUT_S = 30.0


def read_address(base_url: str) -> httpx.URL:
    """Read a service's address.

    Raises:
        ValueError: It is none of HTTP.
    """
    expected = f"base_url: expected one such as {EXAMPLE}"
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{expected}, received {base_url!r} ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{expected}, received {base_url!r}")
    return url


class Connection(Generic[H]):
    """What both clients have.

    Attributes:
        http: httpx's client, which sends.
        options: How calls are made.
    """

    def __init__(self, http: H, options: Options) -> None:
        """Stores what sends, and how."""
        self.http = http
        self.options = options

    def urls(self, format: Format = "png", *, download: bool = False, **look: Unpack[Look]) -> Urls:  # noqa: A002
        """Gives URLs of pictures, for pages; nothing is sent.

        Args:
            format: Of the pictures.
            download: Whether browsers are to save them.
            **look: How they are drawn.

        Returns:
            `urls("png", scale=4).decode([0.5, -1.0])` is a URL.
        """
        return Urls(self.http.base_url, format, look, download=download)
