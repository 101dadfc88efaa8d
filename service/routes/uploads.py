"""Owns reading pictures out of requests: a file as the body, files in a form, or pixels as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from fastapi import Request

from service.chunks import PNG_START
from service.engine import Engine
from service.errors import InvalidValueError, Text
from service.negotiation import JSON, PNG
from service.queries import EncodeQuery, ReconstructQuery
from service.registry import Registry
from service.routes.dependencies import read_json, require
from service.routes.forms import FORM, parse_form
from service.schemas import EncodeRequest, Polarity, ReconstructRequest
from service.segments import JPEG_START
from service.space import Floats

JPEG = "image/jpeg"
ACCEPTED = (PNG, JPEG, FORM, JSON)

Field = tuple[str, str | bytes]
B = TypeVar("B", EncodeRequest, ReconstructRequest)
# Neither can be UTF-8.
SIGNATURES = (PNG_START, JPEG_START)
# Fields of a form beside its files; none takes so many.
OTHER_PARTS = 32


async def read_files(request: Request, media_type: str) -> list[tuple[str, bytes]]:
    """Reads uploaded pictures.

    Args:
        request: Its body is a file, or a form of files that are all named `file`.
        media_type: Of `ACCEPTED`, but not JSON.

    Returns:
        What errors name, and the content, of each; at least one.

    Raises:
        MalformedBodyError: The body is no form.
        InvalidValueError: The form has other fields, or no file.
    """
    if media_type != FORM:
        return [("body", await request.body())]
    files: list[tuple[str, bytes]] = []
    for name, content in await read_form(request):
        if name != "file":
            raise InvalidValueError(name, "only fields named file", Text(f"{name!r}"))
        if isinstance(content, str):
            raise InvalidValueError(name, "a PNG or JPEG file", content)
        files.append((f"file[{len(files)}]", content))
    if not files:
        raise InvalidValueError("file", "at least one", Text("none"))
    return files


async def read_form(request: Request) -> list[Field]:
    """Reads a form.

    Returns:
        Names and contents, in order: a text, or the bytes of a file or of a picture without a file's name
        (RFC 7578 demands none).

    Raises:
        MalformedBodyError: The body is no form.
        TooLargeError: It has far too many parts, or a text that is too long.
    """
    # One file more than there may be is refused by those who count files.
    max_parts = request.app.state.registry.settings.max_request_rows + OTHER_PARTS
    parts = parse_form(await request.body(), request.headers["content-type"], max_parts)
    return [
        (part.name, part.content if part.is_file or part.content.startswith(SIGNATURES) else part.text)
        for part in parts
    ]


async def read_x(
    request: Request,
    media_type: str,
    schema: type[B],
    query: EncodeQuery | ReconstructQuery,
    models: Registry,
) -> tuple[Engine, Floats, B | None]:
    """Reads the pictures of a request, and finds the model that it names.

    Args:
        request: Whose body it is.
        media_type: Of `ACCEPTED`.
        schema: Of a JSON body.
        query: Names the model where the body does not, and the polarity of files.
        models: Of which it names one.

    Returns:
        The model; `(batch, height, width, channels)` float32 in [0, 1]; the body, if it is JSON.

    Raises:
        ClientError: The body is not what it should be, or there is no such model.
        RequestValidationError: The same, by the schema.
    """
    if media_type == JSON:
        body = await read_json(request, schema)
        engine = models.get(body.model or query.model)
        x = engine.uploads.read_pixels("pixels", body.pixels)
        engine.space.check_rows("pixels", len(x))
        return engine, x, body
    engine = models.get(query.model)
    return engine, await to_x(engine, await read_files(request, media_type), query.polarity), None


async def to_x(engine: Engine, files: Sequence[tuple[str, bytes]], polarity: Polarity) -> Floats:
    """Turns uploaded pictures into what a model's encoder takes; see `Uploads.read`.

    Raises:
        InvalidValueError: Too many, or an even picture.
    """
    engine.space.check_rows("file", len(files))
    return await engine.uploads.read(files, None if polarity == "auto" else polarity)


def require_picture(request: Request) -> str:
    """Gives the body's media type, one of `ACCEPTED`.

    Raises:
        MediaTypeError: It is another, or none.
    """
    return require(request, ACCEPTED)
