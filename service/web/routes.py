"""The routes of the playground: the page at `/`, and its files below the digest of them all."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service.core.errors import NotFoundError
from service.http.caching import PINNED
from service.http.header_fields import read_field
from service.web.assets import Assets, read_assets

# Nothing from elsewhere, nothing written into the page itself. Pictures that the page makes are blobs.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob: data:",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
HEADERS = {"Content-Security-Policy": POLICY}


class Playground:
    """Answers with the page and its files."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets

    async def show_page(self, request: Request) -> Response:
        """Return the page."""
        return HTMLResponse(self.assets.write_page(request.scope.get("root_path", "")), headers=HEADERS)

    async def send_asset(self, request: Request, digest: str, path: str) -> Response:
        """Return a file, packed if the client takes gzip.

        Raises:
            NotFoundError: There is no such file, or the digest is another version's.
        """
        asset = self.assets.files.get(path) if digest == self.assets.digest else None
        if asset is None:
            raise NotFoundError("path", f"a file of the playground {self.assets.digest}", f"{digest}/{path}")
        headers = {"Cache-Control": PINNED, "Vary": "Accept-Encoding"}
        packed = takes_gzip(read_field(request, "accept-encoding") or "")
        if packed:
            headers["Content-Encoding"] = "gzip"
        content = asset.packed if packed else asset.content
        return Response(content, headers=headers, media_type=asset.media_type)


def create_router(playground: str) -> APIRouter:
    """Return the routes of `/`: the playground, or where it is off, the way to the documentation."""
    router = APIRouter(include_in_schema=False)
    if playground == "off":
        router.add_api_route("/", lead_to_docs)
        return router
    page = Playground(read_assets())
    router.add_api_route("/", page.show_page, response_class=HTMLResponse)
    router.add_api_route("/playground/{digest}/{path:path}", page.send_asset)
    return router


def takes_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` lists gzip, with a weight above 0."""
    for entry in accepted.lower().split(","):
        coding, _, weight = entry.replace(" ", "").partition(";")
        if coding == "gzip":
            return weight.rstrip("0.") != "q="
    return False


async def lead_to_docs(request: Request) -> Response:
    """Redirect to the documentation."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")
