"""Owns answering image URLs: from the cache if the client has it, and so that it can be had again if not."""

from __future__ import annotations

import dataclasses
import secrets
import urllib.parse
from typing import Any

from fastapi import Request, Response

from service.api.picture_cache import PictureCache
from service.api.responses import answer_rows, check
from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import SEED_LIMIT
from service.core.headers import SEED_HEADER
from service.http import caching
from service.http.caching import tag_rows
from service.http.header_fields import read_field
from service.http.model_headers import ModelResponse, add_fields, constant_headers
from service.imaging.representation import Representation
from service.inference.engine import Engine

# By whether a URL names the model's version.
CONTROL = {pinned: (b"cache-control", caching.control(pinned=pinned).encode()) for pinned in (False, True)}
NEVER_KEPT = (b"cache-control", caching.NEVER.encode())


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
    tag = tag_rows(engine, rows, wanted, facts)
    fields = cache_fields(request, address, tag)
    if fresh := answer_fresh(request, engine, address, tag, fields):
        return fresh
    # A picture of a seed that was chosen here will not be asked for again.
    cache: PictureCache | None = request.scope["app"].state.pictures if address.seed is None else None
    content = None if cache is None else cache.get(tag)
    if content is not None:
        answer: Response = ModelResponse(content, wanted.media_type, engine.manifest, call)
    else:
        answer = await answer_rows(request, engine, rows, call, wanted, facts)
        if cache is not None and isinstance(answer, ModelResponse):
            cache.put(tag, answer.content)
    answer.raw_headers += fields
    return answer


def cache_fields(request: Request, address: ImageUrl, tag: str) -> list[tuple[bytes, bytes]]:
    """Return the header fields that say for how long, under which name, and where it can be had again."""
    if address.seed is None:
        fields = [(b"etag", tag.encode()), CONTROL[address.pinned]]
    else:
        # Not by `request.url`, which fails where a query is not UTF-8 or a host is none.
        given = [(name, value) for name, value in request.query_params.multi_items() if name != "seed"]
        query = urllib.parse.urlencode([*given, ("seed", address.seed)])
        again = f"{urllib.parse.quote(request.scope['path'])}?{query}"
        fields = [NEVER_KEPT, (b"content-location", again.encode())]
    if address.download:
        name = f'attachment; filename="{address.name}"'
        fields.append((b"content-disposition", name.encode("latin-1")))
    return fields


def answer_fresh(
    request: Request, engine: Engine, address: ImageUrl, tag: str, fields: list[tuple[bytes, bytes]]
) -> Response | None:
    """Return the 304 for a client that has the picture already.

    Args:
        request: Its `If-None-Match` is looked at.
        engine: Of the picture's model.
        address: With a seed that was chosen, there is nothing to have.
        tag: Of the picture.
        fields: From `cache_fields`.

    Returns:
        The answer, or None if the picture is to be sent.
    """
    if address.seed is not None or not caching.is_fresh(read_field(request, "if-none-match"), tag):
        return None
    answer = Response(status_code=304, headers=constant_headers(engine.manifest))
    answer.raw_headers += fields
    return answer


def note_seed(answer: Response, seed: int) -> Response:
    """Names the seed in an answer."""
    add_fields(answer, {SEED_HEADER: str(seed)})
    return answer
