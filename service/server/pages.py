"""The pages of the documentation, each with a policy that allows its own scripts alone.

Their files are those of fastapi-offline. The script of `/redoc` comes without the logo that it would ask its
makers' host for.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import pathlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from service.http.caching import is_fresh
from service.http.header_fields import read_field

FOLDER = "/static-offline-docs"
PATH = f"{FOLDER}/redoc.standalone.js"
FILE = pathlib.Path(fastapi_offline.__file__).parent / "static" / "redoc.standalone.js"
# The page's policy refuses it, but the browser says so in its console. ReDoc leaves out a logo that fails.
LOGO, NO_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,"
# What is written into a page itself, by element.
WRITTEN = re.compile(r"<(script|style)(?![^>]*\ssrc=)[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
# Digests of the style elements that ReDoc's script makes: those without a text, which it adds rules to, and
# that of its scroll bars. A browser says in its console which one it misses.
MADE = ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc=")

HASH = "'sha256-{}'"


class WholeFiles(StaticFiles):
    """Files that are sent whole: `Range` is ignored, as a malformed one must be (RFC 9110, section 14.2)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = [field for field in scope["headers"] if field[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """Return the answer, which says that there are no ranges."""
        response = super().file_response(*arguments, **options)
        response.headers["accept-ranges"] = "none"
        return response


class Script(NamedTuple):
    """A script and its entity tag."""

    content: bytes
    tag: str


def install(api: FastAPI) -> None:
    """Have an application serve the two pages, their files and its schema."""
    api.router.routes.insert(0, Mount(FOLDER, WholeFiles(directory=FILE.parent)))
    api.router.routes.insert(0, Route(PATH, _send_script))
    api.router.routes.insert(0, Route(str(api.openapi_url), functools.partial(_send_schema, api)))
    for path, write in (("/docs", _write_docs), ("/redoc", _write_reference)):
        endpoint = functools.partial(_show, api, write)
        api.add_api_route(path, endpoint, response_class=HTMLResponse, include_in_schema=False)


async def _send_schema(api: FastAPI, _request: Request) -> Response:
    # To write it takes 6 ms, and anyone may ask for it.
    if not hasattr(api.state, "schema"):
        api.state.schema = bytes(JSONResponse(api.openapi()).body)
    return Response(api.state.schema, media_type="application/json")


async def _show(api: FastAPI, write: Callable[[FastAPI, str], HTMLResponse], request: Request) -> Response:
    page = write(api, request.scope.get("root_path", ""))
    page.headers["Content-Security-Policy"] = write_policy(bytes(page.body).decode())
    return page


def _write_docs(api: FastAPI, root: str) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url=f"{root}{api.openapi_url}",
        title=f"{api.title} - Swagger UI",
        swagger_js_url=f"{root}{FOLDER}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{FOLDER}/swagger-ui.css",
        swagger_favicon_url=f"{root}{FOLDER}/favicon.png",
        swagger_ui_parameters=api.swagger_ui_parameters,
    )


def _write_reference(api: FastAPI, root: str) -> HTMLResponse:
    return get_redoc_html(
        openapi_url=f"{root}{api.openapi_url}",
        title=f"{api.title} - ReDoc",
        redoc_js_url=f"{root}{PATH}",
        redoc_favicon_url=f"{root}{FOLDER}/favicon.png",
        with_google_fonts=False,
    )


def write_policy(page: str) -> str:
    """Return a Content-Security-Policy for a page: what it has now may run, what is put into it may not."""
    digests = {
        kind: [_digest(text) for element, text in WRITTEN.findall(page) if element.lower() == kind]
        for kind in ("script", "style")
    }
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *map(HASH.format, digests["script"]))),
            " ".join(("style-src 'self'", *map(HASH.format, (*digests["style"], *MADE)))),
            "connect-src 'self'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
