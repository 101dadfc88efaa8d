"""Turn results into HTTP answers: in the representation asked for, written in a thread if they are large."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from service.api.provenance import describe
from service.batching.context import RequestContext
from service.bundles.manifest import Manifest
from service.core.arrays import Floats
from service.core.media_types import JSON
from service.http.disconnect import unless_gone
from service.http.model_headers import ModelResponse, headers_of
from service.http.offload import INLINE_PIXELS, encode_apart, encode_here
from service.imaging.pictures import Pictures
from service.imaging.representation import IN_PARTS, NOTE, Representation, check_size
from service.imaging.writers import Writer, open_writer, write, write_json
from service.inference.engine import Engine
from service.inference.parts import decode_rounded, stream

# Rows that are decoded and sent at once where more are asked for: a batch that runs beside others in 0.7 ms.
PART_ROWS = 64


class PictureJob(NamedTuple):
    """Pictures that a request asks for.

    Attributes:
        engine: The engine of the model that decodes the rows.
        rows: Rows from the engine's latent space.
        wanted: The representation.
        extra: Further fields of the JSON answer.
    """

    engine: Engine
    rows: Floats
    wanted: Representation
    extra: dict[str, Any] | None = None

    def check(self) -> None:
        """Refuse an answer that would be too large.

        Raises:
            InvalidValueError: It would be; the error names `scale` or `colormap`.
        """
        check(self.engine, len(self.rows), self.wanted)


def answer_job(request: Request, job: PictureJob, call: RequestContext) -> Awaitable[Response]:
    """Check a job, and return what runs it and answers with the pictures; see `run_job`.

    Raises:
        InvalidValueError: The answer would be too large.
    """
    job.check()
    return run_job(request, job, call)


async def run_job(request: Request, job: PictureJob, call: RequestContext) -> Response:
    """Decode rows and answer with the pictures; many in a format that allows it are sent as they are made.

    Args:
        request: If its client goes, its rows never run.
        job: What to draw, checked.
        call: The request's context.
    """
    engine, rows, wanted, extra = job
    if wanted.noted:
        extra = {**(extra or {}), **describe(engine, rows, extra)}
    if wanted.media_type in IN_PARTS and len(rows) > PART_ROWS:
        parts = stream(engine, rows, call, PART_ROWS)
        # Errors can be answered with their status only as long as nothing has been sent.
        first = await unless_gone(request, anext(parts))
        headers = headers_of(engine.manifest, call)
        note = (extra or {}).get(NOTE)
        writer = open_writer(wanted, engine.manifest, len(rows), note)
        content = _stream(writer, first, parts)
        return StreamingResponse(content, media_type=wanted.media_type, headers=headers)
    if len(rows) > engine.settings.max_request_rows:  # a grid, which may be drawn larger
        pictures = await unless_gone(request, decode_rounded(engine, rows, call))
    else:
        images = await unless_gone(request, engine.submit(rows, call))
        pictures = engine.collect(rows, images, call)
    return await answer_pictures(engine.manifest, pictures, call, wanted, extra)


def check(engine: Engine, n: int, wanted: Representation) -> None:
    """Refuse an answer of n pictures that would be too large.

    Raises:
        InvalidValueError: It would be; the error names `scale` or `colormap`.
    """
    check_size(wanted, n, engine.manifest.image, engine.settings.max_output_pixels)


async def answer_pictures(
    manifest: Manifest,
    pictures: Pictures,
    call: RequestContext,
    wanted: Representation,
    extra: dict[str, Any] | None = None,
) -> Response:
    """Answer with pictures.

    Args:
        manifest: The manifest of the model that made the pictures.
        pictures: One or several.
        call: The request's context.
        wanted: The representation.
        extra: Further fields of the JSON answer.
    """
    render = functools.partial(write, wanted, manifest, pictures, extra or {})
    inline = pictures.image.size * wanted.look.scale**2 <= INLINE_PIXELS
    content = encode_here(render, call) if inline else await encode_apart(render, call)
    return ModelResponse(content, wanted.media_type, manifest, call)


async def answer_fields(
    manifest: Manifest, fields: dict[str, Any], call: RequestContext, *, inline: bool = True
) -> Response:
    """Answer with JSON: the model's name and version, then the fields; in a thread unless `inline`."""
    render = functools.partial(write_json, manifest, fields)
    content = encode_here(render, call) if inline else await encode_apart(render, call)
    return ModelResponse(content, JSON, manifest, call)


async def _stream(writer: Writer, first: Pictures, rest: AsyncIterator[Pictures]) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(writer.write, first)
    async for pictures in rest:
        yield await asyncio.to_thread(writer.write, pictures)
    yield writer.close()
