"""The script of `/redoc`, without the logo that it would ask its makers' host for."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import pathlib
from typing import NamedTuple

import fastapi_offline
from fastapi import FastAPI, Request, Response
from starlette.routing import Route

from service.http.caching import is_fresh
from service.http.header_fields import read_field

PATH = "/static-offline-docs/redoc.standalone.js"
FILE = pathlib.Path(fastapi_offline.__file__).parent / "static" / "redoc.standalone.js"
# The page's policy refuses it, but the browser says so in its console. ReDoc leaves out a logo that fails.
LOGO, NO_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,"


class Script(NamedTuple):
    """A script and its entity tag."""

    content: bytes
    tag: str


def install(api: FastAPI) -> None:
    """Have an application send this script, in place of the file that its pages come with."""
    api.router.routes.insert(0, Route(PATH, _send_script))


async def _send_script(request: Request) -> Response:
    script = await asyncio.to_thread(_read_script)
    headers = {"ETag": script.tag}
    if is_fresh(read_field(request, "if-none-match"), script.tag):
        return Response(status_code=304, headers=headers)
    return Response(script.content, media_type="text/javascript", headers=headers)


@functools.cache
def _read_script() -> Script:
    content = FILE.read_bytes().replace(LOGO, NO_LOGO)
    return Script(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
