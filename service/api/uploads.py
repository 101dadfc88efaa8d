"""Read pictures from requests: a file as the body, files in a form, pixels as JSON or npy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from fastapi import Request

from service.api.explanations import Uploaded
from service.api.schemas.query import EncodeQuery, ReconstructQuery
from service.api.schemas.requests import EncodeRequest, ReconstructRequest
from service.api.schemas.restyle import RestyleRequest
from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import Polarity
from service.core.errors import InvalidValueError, MediaTypeError, Text
from service.core.media_types import JSON, NPY, OCTETS
from service.http.bodies.forms import FORM, parse_form
from service.http.bodies.json_bodies import media_type as declared_type
from service.http.bodies.json_bodies import read_json
from service.http.bodies.reading import read_body
from service.http.disconnect import unless_gone
from service.imaging.formats.npy import read_npy
from service.imaging.reading.container import KINDS, is_picture
from service.inference.engine import Engine
from service.inference.image_inputs import FilePicture
from service.inference.registry import Registry

# Programs name formats as they please; the bytes of a file say what it is.
PICTURES, PICTURE_START = "image/*", "image/"
ACCEPTED = (PICTURES, OCTETS, FORM, JSON, NPY)

Field = tuple[str, str | bytes]
B = TypeVar("B", EncodeRequest, ReconstructRequest, RestyleRequest)
# Fields that a form may have beside its files; no route takes so many.
OTHER_PARTS = 32
# Longer forms are parsed in a thread: each 10,000 bytes take a millisecond if all parts are empty.
INLINE_BYTES = 65_536


async def read_files(
    request: Request, media_type: str, models: Registry, call: RequestContext
) -> list[tuple[str, bytes]]:
    """Read uploaded pictures.

    Args:
        request: Its body is a file, or a form of files that are all named `file`.
        media_type: Of pictures or a form; see `require_picture`.
        models: The loaded models, whose threads must have room for an upload.
        call: The request's context.

    Returns:
        The name of each picture in errors, and its content; at least one.

    Raises:
        MalformedBodyError: The body is no form.
        InvalidValueError: The form has other fields, or no file.
        TooLargeError: The form has far too many parts.
        QueueFullError: Too many uploads wait.
    """
    models.places.check()
    if media_type != FORM:
        return [("body", await read_body(request, call))]
    files: list[tuple[str, bytes]] = []
    for name, content in await read_form(request, models, call):
        if name != "file":
            raise InvalidValueError(name, "only fields named file", Text(f"{name!r}"))
        if isinstance(content, str):
            raise InvalidValueError(name, KINDS, content)
        files.append((f"file[{len(files)}]", content))
    if not files:
        raise InvalidValueError("file", "at least one", Text("none"))
    return files


async def read_form(request: Request, models: Registry, call: RequestContext) -> list[Field]:
    """Read a form.

    Returns:
        Names and contents, in order: a content is a text, or the bytes of a file or of a picture without a
        file's name (RFC 7578 demands none).

    Raises:
        MalformedBodyError: The body is no form.
        TooLargeError: It has far too many parts, or a text that is too long.
        QueueFullError: Too many uploads wait.
    """
    models.places.check()
    content = await read_body(request, call)
    # More parts than there may be files, so that one file too many is refused where files are counted.
    max_parts = models.settings.max_request_rows + OTHER_PARTS
    parse = functools.partial(parse_form, content, request.headers["content-type"], max_parts)
    if len(content) <= INLINE_BYTES:
        parts = parse()
    else:
        parts = await unless_gone(request, models.places.run(parse, len(content), call))
    return [
        (part.name, part.content if part.is_file or is_picture(part.content) else part.text) for part in parts
    ]


async def read_x(
    request: Request,
    media_type: str,
    schema: type[B],
    query: EncodeQuery | ReconstructQuery,
    models: Registry,
    call: RequestContext,
) -> Uploaded[B]:
    """Read the pictures of a request, and find the model that it names.

    Args:
        request: The request, whose body is read here.
        media_type: See `require_picture`.
        schema: The schema of a JSON body.
        query: Names the model where the body does not, and the polarity of files.
        models: The loaded models, of which the request names one.
        call: The request's context.

    Raises:
        ClientError: The body is not what it should be, or there is no such model.
        RequestValidationError: A JSON body does not fit its schema.
    """
    body = await read_numbers(request, media_type, schema, call)
    engine = models.get((body.model if body else None) or query.model)
    if body is not None or media_type == NPY:
        x = await read_pictures(request, body, engine, query.polarity, models, call)
        return Uploaded(engine, x, body)
    files = await read_files(request, media_type, models, call)
    engine.space.check_rows("file", len(files))
    pictures = await _read_files(request, engine, files, query.polarity, call, query.figures == "all")
    return Uploaded(engine, np.stack([picture.x for _, picture in pictures]), None, files, pictures)


async def read_numbers(request: Request, media_type: str, schema: type[B], call: RequestContext) -> B | None:
    """Read a body that is JSON; return None for another, which is left unread.

    Raises:
        ClientError: It is longer than it may be, or cannot be unpacked.
        RequestValidationError: It is not JSON, or does not fit its schema.
    """
    return await read_json(request, schema, call, f"{NPY} and files") if media_type == JSON else None


async def read_pictures(
    request: Request,
    body: B | None,
    engine: Engine,
    polarity: Polarity,
    models: Registry,
    call: RequestContext,
) -> Floats:
    """Read the pictures of a request whose model is known.

    Args:
        request: The request, whose body is read here unless it is JSON.
        body: From `read_numbers`.
        engine: The engine of the model.
        polarity: Of files.
        models: The loaded models.
        call: The request's context.

    Returns:
        `(batch, height, width, channels)` float32 in [0, 1].

    Raises:
        ClientError: The body is not what it should be.
    """
    if body is not None:
        x = engine.uploads.read_pixels("pixels", body.pixels)
        engine.space.check_rows("pixels", len(x))
        return x
    media_type = require_picture(request)
    if media_type == NPY:
        return _read_array(engine, await read_body(request, call))
    files = await read_files(request, media_type, models, call)
    return await to_x(request, engine, files, polarity, call)


def _read_array(engine: Engine, content: bytes) -> Floats:
    def check(shape: tuple[int, ...]) -> None:
        engine.space.check_rows("body", engine.uploads.count_pixels("body", shape))

    return engine.uploads.read_pixels(
        "body", read_npy(content, "body", check, dimensions=(2, 3, 4), levels=True)
    )


async def to_x(
    request: Request,
    engine: Engine,
    files: Sequence[tuple[str, bytes]],
    polarity: Polarity,
    call: RequestContext,
) -> Floats:
    """Turn uploaded pictures into the input of a model's encoder; see `ImageInputs.read_pictures`.

    Raises:
        InvalidValueError: There are too many, or no figure stands out from the background of one.
        ClientGoneError: Nobody waits for them any more.
    """
    engine.space.check_rows("file", len(files))
    pictures = await _read_files(request, engine, files, polarity, call, False)
    return np.stack([picture.x for _, picture in pictures])


async def _read_files(
    request: Request,
    engine: Engine,
    files: Sequence[tuple[str, bytes]],
    polarity: Polarity,
    call: RequestContext,
    many: bool,
) -> list[FilePicture]:
    given = None if polarity == "auto" else polarity
    pictures = engine.uploads.read_small(files, given)
    if pictures is None:
        count = functools.partial(engine.space.check_rows, "figures")
        reading = engine.uploads.read_pictures(files, given, call, many, count)
        pictures = await unless_gone(request, reading)
    return pictures


def require_picture(request: Request) -> str:
    """Return the body's media type, one of `ACCEPTED` or any of pictures.

    Raises:
        MediaTypeError: It is another, or none.
    """
    found = declared_type(request)
    if found in ACCEPTED or (found.startswith(PICTURE_START) and "," not in found):
        return found
    raise MediaTypeError("Content-Type", " or ".join(ACCEPTED), Text(found or "none"))
