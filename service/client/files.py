"""`Files` and `Urls`: pictures in one format and with one set of render options, as files or as URLs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import httpx

from service.client._signatures import described_by
from service.client.render_options import Look, to_params
from service.client.requests import encoding, image_urls, pictures
from service.client.requests.base import Request
from service.client.results import File
from service.core.choices import Format

P = ParamSpec("P")
R = TypeVar("R")


def _file(build: Callable[P, Request[Any]]) -> Callable[Concatenate[Files[R], P], R]:
    @described_by(build)
    def method(self: Files[R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.send(build(*args, **kwargs).into(self.format, self.look))

    return method


def _url(build: Callable[P, Request[File]]) -> Callable[Concatenate[Urls, P], str]:
    @described_by(build)
    def method(self: Urls, /, *args: P.args, **kwargs: P.kwargs) -> str:
        return self.join(build(*args, **kwargs).into(self.format, self.look))

    return method


class Files(Generic[R]):
    """Requests pictures as files in one format; each method returns a `File`, or an awaitable of one."""

    def __init__(self, send: Callable[[Request[File]], R], format: Format, look: Look) -> None:  # noqa: A002
        self.send = send
        self.format: Format = format
        self.look = look

    decode = _file(pictures.decode)
    reconstruct = _file(encoding.reconstruct)
    restyle = _file(encoding.restyle)
    interpolate = _file(pictures.interpolate)
    sample = _file(pictures.sample)
    draw = _file(pictures.draw)
    manifold = _file(pictures.manifold)
    latent_map = _file(image_urls.latent_map)


class Urls:
    """Build URLs of pictures in one format; nothing is sent."""

    def __init__(self, base: httpx.URL, format: Format, look: Look, *, download: bool) -> None:  # noqa: A002
        self.base = base
        self.format: Format = format
        self.look = look
        self.download = to_params(download=download or None)

    def join(self, request: Request[File]) -> str:
        """Return the URL of a request."""
        path, params = request.target
        url = self.base.copy_with(path=f"{self.base.path.rstrip('/')}/{path}")
        return str(url.copy_merge_params((*params, *self.download)))

    decode = _url(image_urls.decode)
    draw = _url(image_urls.draw)
    sample = _url(image_urls.sample)
    interpolate = _url(image_urls.interpolate)
    manifold = _url(image_urls.manifold)
    latent_map = _url(image_urls.latent_map)
