"""`BaseClient`: what the blocking client and the asyncio client share."""

from __future__ import annotations

import os
from typing import Generic, TypeVar, Unpack

import httpx

from service.client.files import Urls
from service.client.render_options import Look
from service.client.sansio import Options
from service.core.choices import Format
from service.core.url_signature import SigningPair, parse_pair

H = TypeVar("H", bound=httpx.Client | httpx.AsyncClient)

EXAMPLE = "http://localhost:8000"
TIMEOUT_S = 30.0
# The variables that a client reads where it is given nothing.
API_KEY, SIGNING_KEY = "CVAE_API_KEY", "CVAE_SIGNING_KEY"


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


def choose_headers(headers: dict[str, str] | None, api_key: str | None) -> dict[str, str] | None:
    """Return the headers of all requests, among them the API key.

    Args:
        headers: Those that the caller gives; a key among them stays.
        api_key: Unset: the variable `CVAE_API_KEY`, if there is one; "": none.

    Raises:
        ValueError: The key cannot stand in a header; the message does not hold it.
    """
    key = (os.environ.get(API_KEY, "") if api_key is None else api_key).strip()
    if not key or any(name.lower() in ("authorization", "x-api-key") for name in headers or ()):
        return headers
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(f"api_key, {API_KEY}: expected letters, digits and . _ ~ + / -, received others")
    return {**(headers or {}), "Authorization": f"Bearer {key}"}


def choose_pair(sign: str | bool) -> SigningPair | None:
    """Return what URLs are signed with.

    Args:
        sign: `KEY:SALT` in hex; True: the variable `CVAE_SIGNING_KEY`; False: nothing.

    Raises:
        ValueError: It is no such pair, or there is no such variable; the message holds neither.
    """
    if sign is False:
        return None
    try:
        return parse_pair(os.environ.get(SIGNING_KEY, "") if sign is True else sign)
    except ValueError as error:
        raise ValueError(f"{SIGNING_KEY if sign is True else 'sign'}: {error}") from None


class BaseClient(Generic[H]):
    """The part that both clients share.

    Attributes:
        http: httpx's client, which sends the requests.
        options: Timeouts and retries of calls.
    """

    def __init__(self, http: H, options: Options) -> None:
        self.http = http
        self.options = options

    def urls(
        self,
        format: Format = "png",  # noqa: A002
        *,
        download: bool = False,
        sign: str | bool = False,
        expires: int | None = None,
        **look: Unpack[Look],
    ) -> Urls:
        """Return a builder of picture URLs for web pages; nothing is sent.

        Args:
            format: Of the pictures.
            download: Whether browsers save the picture instead of showing it.
            sign: For a service that asks for signed URLs: `KEY:SALT`, or True for that of `CVAE_SIGNING_KEY`.
            expires: When a signed URL ceases to be valid, in seconds since 1970; None: never.
            **look: How they are drawn.

        Returns:
            `urls("png", scale=4).decode([0.5, -1.0])` is a URL.

        Raises:
            ValueError: `sign` is no pair, or is needed for `expires`.
        """
        if expires is not None and sign is False:
            raise ValueError("expires: expected sign with it, for only a signed URL ends")
        pair = choose_pair(sign)
        return Urls(self.http.base_url, format, look, download=download, pair=pair, expires=expires)
