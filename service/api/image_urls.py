"""Owns answering image URLs: from the cache if the client has it, and so that it can be had again if not."""

from __future__ import annotations

import dataclasses
import secrets
import urllib.parse
from typing import Any

from fastapi import Request, Response

from service.api.responses import answer_rows, check
from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import SEED_LIMIT
from service.core.headers import SEED_HEADER
from service.http import caching
from service.http.caching import tag_rows
from service.http.header_fields import read_field
from service.http.model_headers import constant_headers
from service.imaging.representation import Representation
from service.inference.engine import Engine


@dataclasses.dataclass(frozen=True)
class ImageUrl:
    """What a URL says beside what to draw.

    Attributes:
        name: Of the file, if it is saved.
        model: As the URL names it, or None.
        download: Whether it is to be saved.
        seed: That was chosen because the URL has none, or None.
    """

    name: str
    model: str | None = None
    download: bool = False
    seed: int | None = None

    @property
    def pinned(self) -> bool:
        """Whether the model's version is named."""
        return "@" in (self.model or "")


def choose_seed(seed: int | None) -> tuple[int, int | None]:
    """Gives the seed to draw from, and once more if it had to be chosen."""
    chosen = secrets.randbelow(SEED_LIMIT) if seed is None else None
    return (seed if chosen is None else chosen), chosen  # type: ignore[return-value]


async def answer_url(
    request: Request,
    engine: Engine,
    rows: Floats,
    call: RequestContext,
    wanted: Representation,
    address: ImageUrl,
    facts: dict[str, Any] | None = None,
) -> Response:
    """Answers a GET with pictures, or with 304.

    Args:
        request: Its `If-None-Match` is looked at before anything runs.
        engine: That the rows are for.
        rows: From its space.
        call: That they belong to.
        wanted: The representation.
        address: What else the URL says.
        facts: Further fields of the JSON answer.

    Returns:
        The answer. Its tag is a digest of the model, the rows and the representation, so that two URLs that
        mean the same have the same.

    Raises:
        InvalidValueError: The answer would be too large.
    """
    check(engine, len(rows), wanted)
    headers = cache_headers(request, address, tag_rows(engine, rows, wanted, facts))
    if fresh := answer_fresh(request, engine, headers):
        return fresh
    answer = await answer_rows(request, engine, rows, call, wanted, facts)
    answer.headers.update(headers)
    return answer


def cache_headers(request: Request, address: ImageUrl, tag: str) -> dict[str, str]:
    """Gives the headers that say for how long, under which name, and where the same can be had again."""
    headers = {"ETag": tag, "Cache-Control": caching.control(pinned=address.pinned)}
    if address.seed is not None:
        # Not by `request.url`, which fails where a query is not UTF-8 or a host is none.
        given = [(name, value) for name, value in request.query_params.multi_items() if name != "seed"]
        query = urllib.parse.urlencode([*given, ("seed", address.seed)])
        headers = {
            "Cache-Control": caching.NEVER,
            "Content-Location": f"{urllib.parse.quote(request.scope['path'])}?{query}",
        }
    if address.download:
        headers["Content-Disposition"] = f'attachment; filename="{address.name}"'
    return headers


def answer_fresh(request: Request, engine: Engine, headers: dict[str, str]) -> Response | None:
    """Gives the 304 of a client that has the picture already.

    Args:
        request: Its `If-None-Match` is looked at.
        engine: Of the picture's model.
        headers: From `cache_headers`; without a tag there is nothing to have.

    Returns:
        The answer, or None if the picture is to be sent.
    """
    tag = headers.get("ETag")
    if tag is None or not caching.is_fresh(read_field(request, "if-none-match"), tag):
        return None
    return Response(status_code=304, headers={**constant_headers(engine.manifest), **headers})


def note_seed(answer: Response, seed: int) -> Response:
    """Names the seed in an answer."""
    answer.headers[SEED_HEADER] = str(seed)
    return answer
