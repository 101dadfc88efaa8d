"""`Files` and `Urls`: pictures in one format and with one set of render options, as files or as URLs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from service.client.methods.files import FileMethods
from service.client.methods.urls import UrlMethods
from service.client.render_options import Look, to_params
from service.client.requests.base import Request
from service.client.results import File
from service.core.choices import Format
from service.core.url_signature import SigningPair, sign_url

R = TypeVar("R")


class Files(FileMethods[R]):
    """Requests pictures as files in one format; each method returns a `File`, or an awaitable of one."""

    def __init__(self, send: Callable[[Request[File]], R], format: Format, look: Look) -> None:  # noqa: A002
        self.send = send
        self.format: Format = format
        self.look = look

    def write(self, request: Request[Any]) -> R:
        """Send the request for the same pictures as a file."""
        return self.send(request.into(self.format, self.look))


class Urls(UrlMethods):
    """Build URLs of pictures in one format; nothing is sent."""

    def __init__(
        self,
        base: httpx.URL,
        format: Format,  # noqa: A002
        look: Look,
        *,
        download: bool,
        pair: SigningPair | None = None,
        expires: int | None = None,
    ) -> None:
        self.base = base
        self.format: Format = format
        self.look = look
        self.download = to_params(download=download or None)
        self.pair, self.expires = pair, expires

    def build(self, request: Request[File]) -> str:
        """Return the URL of a request, in the format and with the options of all."""
        return self.join(request.into(self.format, self.look))

    def join(self, request: Request[File]) -> str:
        """Return the URL of a request, signed if there is a pair."""
        path, params = request.target
        url = self.base.copy_with(path=f"{self.base.path.rstrip('/')}/{path}")
        text = str(url.copy_merge_params((*params, *self.download)))
        return text if self.pair is None else sign_url(text, self.pair, self.expires)
