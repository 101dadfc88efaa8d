"""Owns reading pictures out of requests: a file as the body, files in a form, or pixels as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from service.engine import Engine
from service.errors import InvalidValueError, MalformedBodyError, Text
from service.negotiation import JSON, PNG
from service.routes.dependencies import require
from service.schemas import Polarity
from service.space import Floats

FORM = "multipart/form-data"
JPEG = "image/jpeg"
ACCEPTED = (PNG, JPEG, FORM, JSON)

Field = tuple[str, str | bytes]
# How a PNG and a JPEG begin, read as Latin-1: neither can be UTF-8.
SIGNATURES = ("\x89PNG\r\n\x1a\n", "\xff\xd8\xff")


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
    """
    try:
        # The limit of the body is that of a part too.
        async with request.form(max_part_size=sys.maxsize) as form:
            return [
                (name, await part.read() if isinstance(part, UploadFile) else _read_part(part))
                for name, part in form.multi_items()
            ]
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise MalformedBodyError("body", FORM, Text(error.detail)) from error


def _read_part(text: str) -> str | bytes:
    return text.encode("latin-1") if text.startswith(SIGNATURES) else text


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
