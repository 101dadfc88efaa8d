"""`BaseClient`: what the blocking client and the asyncio client share."""

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


def parse_base_url(base_url: str) -> httpx.URL:
    """Parse a service's URL.

    Raises:
        ValueError: It is not an HTTP URL.
    """
    expected = f"base_url: expected one such as {EXAMPLE}"
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{expected}, received {base_url!r} ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{expected}, received {base_url!r}")
    return url


class BaseClient(Generic[H]):
    """The part that both clients share.

    Attributes:
        http: httpx's client, which sends the requests.
        options: Timeouts and retries of calls.
    """

    def __init__(self, http: H, options: Options) -> None:
        self.http = http
        self.options = options

    def urls(self, format: Format = "png", *, download: bool = False, **look: Unpack[Look]) -> Urls:  # noqa: A002
        """Return a builder of picture URLs for web pages; nothing is sent.

        Args:
            format: Of the pictures.
            download: Whether browsers save the picture instead of showing it.
            **look: How they are drawn.

        Returns:
            `urls("png", scale=4).decode([0.5, -1.0])` is a URL.
        """
        return Urls(self.http.base_url, format, look, download=download)
