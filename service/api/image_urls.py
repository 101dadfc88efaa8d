"""Answer image URLs: with 304 if the client has the picture, else from our cache or by running the model."""

from __future__ import annotations

import secrets
import urllib.parse
from typing import NamedTuple

from fastapi import Request, Response

from service.api.picture_cache import PictureCache
from service.api.responses import PictureJob, run_job
from service.batching.context import RequestContext
from service.core.choices import SEED_LIMIT
from service.core.headers import SEED_HEADER
from service.http import caching
from service.http.caching import tag_rows
from service.http.dependencies import find_state
from service.http.header_fields import read_field
from service.http.model_headers import ModelResponse, RawResponse, encode_model
from service.inference.engine import Engine

# The field of a URL's answer, by whether the URL names the model's version.
CONTROL = {pinned: (b"cache-control", caching.control(pinned=pinned).encode()) for pinned in (False, True)}
SEED_FIELD = SEED_HEADER.lower().encode()
# The name under which the application's state holds the finished pictures.
PICTURES = "pictures"
NEVER_KEPT = (b"cache-control", caching.NEVER.encode())


class ImageUrl(NamedTuple):
    """What a URL says beside what to draw.

    Attributes:
        name: The name of the file, if the picture is saved.
        model: The model as the URL names it, or None.
        download: Whether browsers are to save the picture.
        seed: The seed that was chosen because the URL has none, or None.
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
    """Return the seed to draw from, and again the seed if it was chosen here, or None if it was given."""
    chosen = secrets.randbelow(SEED_LIMIT) if seed is None else None
    return (seed if chosen is None else chosen), chosen  # type: ignore[return-value]


async def answer_url(
    request: Request,
    job: PictureJob,
    call: RequestContext,
    address: ImageUrl,
) -> Response:
    """Answer a GET with pictures, or with 304.

    Args:
        request: Its `If-None-Match` is compared before anything runs.
        job: What to draw.
        call: The request's context.
        address: What else the URL says.

    Returns:
        The answer. Its tag is a digest of the model, the rows and the representation, so that two URLs that
        mean the same have the same tag.

    Raises:
        InvalidValueError: The answer would be too large.
    """
    job.check()
    engine, tag = job.engine, tag_rows(*job)
    fields = cache_fields(request, address, tag)
    if fresh := answer_fresh(request, engine, address, tag, fields):
        return fresh
    # A picture of a seed that was chosen here will not be asked for again.
    cache: PictureCache | None = find_state(request)[PICTURES] if address.seed is None else None
    content = None if cache is None else cache.get(tag)
    if content is not None:
        answer: Response = ModelResponse(content, job.wanted.media_type, engine.manifest, call)
    else:
        answer = await run_job(request, job, call)
        if cache is not None and isinstance(answer, ModelResponse):
            cache.put(tag, answer.content)
    answer.raw_headers += fields
    return answer


def cache_fields(request: Request, address: ImageUrl, tag: str) -> list[tuple[bytes, bytes]]:
    """Return the header fields that say how long to keep a picture, its name, and where to get it again."""
    if address.seed is None:
        fields = [(b"etag", tag.encode()), CONTROL[address.pinned]]
    else:
        fields = [NEVER_KEPT, (b"content-location", _locate(request, address.seed).encode())]
    if address.download:
        name = f'attachment; filename="{address.name}"'
        fields.append((b"content-disposition", name.encode("latin-1")))
    return fields


def answer_fresh(
    request: Request, engine: Engine, address: ImageUrl, tag: str, fields: list[tuple[bytes, bytes]]
) -> Response | None:
    """Return the 304 for a client that has the picture already.

    Args:
        request: Its `If-None-Match` is compared with the tag.
        engine: The engine of the picture's model.
        address: If its seed was chosen here, no client can have the picture.
        tag: The tag of the picture.
        fields: From `cache_fields`.

    Returns:
        The answer, or None if the picture is to be sent.
    """
    if address.seed is not None or not caching.is_fresh(read_field(request, "if-none-match"), tag):
        return None
    manifest = engine.manifest
    return RawResponse(304, b"", [encode_model(manifest.name, manifest.version), *fields])


def note_seed(answer: Response, seed: int) -> Response:
    """Add the seed to the header fields of an answer, and return the answer."""
    answer.raw_headers.append((SEED_FIELD, b"%d" % seed))
    return answer


def _locate(request: Request, seed: int) -> str:
    """Return where the picture of a seed that was chosen here can be had again."""
    # Not by `request.url`, which fails where a query is not UTF-8 or a host is invalid.
    query = f"seed={seed}"
    if request.scope["query_string"]:
        given = [(name, value) for name, value in request.query_params.multi_items() if name != "seed"]
        query = urllib.parse.urlencode([*given, ("seed", seed)])
    return f"{urllib.parse.quote(request.scope['path'])}?{query}"
