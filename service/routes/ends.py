"""Owns reading a path out of a request: two ends, each a vector, a class or a picture; JSON or a form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from service.calls import Call
from service.engine import Engine
from service.errors import InvalidValueError, Text
from service.latent import Method
from service.negotiation import JSON
from service.points import read_point
from service.registry import Registry
from service.routes.dependencies import read_json, unless_gone
from service.routes.uploads import Field, read_form
from service.schemas import EndpointBody, InterpolateForm, InterpolateRequest
from service.space import Floats, Point

ENDS = ("from", "to")


@dataclasses.dataclass(frozen=True)
class Path:
    """Two points and how to go from one to the other."""

    engine: Engine
    start: Point
    end: Point
    steps: int
    method: Method | None


async def read_ends(request: Request, media_type: str, models: Registry, call: Call) -> Path:
    """Reads a path; pictures are encoded on the way.

    Args:
        request: Whose body it is.
        media_type: JSON or a form.
        models: Of which it names one.
        call: That the encoding belongs to.

    Returns:
        The path; its points are not yet checked against the model.

    Raises:
        ClientError: The body does not say one.
        RequestValidationError: The same, by a schema.
    """
    if media_type == JSON:
        body = await read_json(request, InterpolateRequest)
        engine = models.get(body.model)
        engine.space.check_rows("steps", body.steps)
        found = {"from": _read_body(engine, "from", body.start), "to": _read_body(engine, "to", body.end)}
        labels = {"from": body.start.label, "to": body.end.label}
        points = await _encode(request, engine, call, found, labels)
        return Path(engine, *points, body.steps, body.method)
    fields = await read_form(request)
    form = _read_options(fields)
    engine = models.get(form.model)
    engine.space.check_rows("steps", form.steps)
    labels = {"from": form.from_label, "to": form.to_label}
    ends = {name: await _read_field(engine, fields, name, labels[name], form) for name in ENDS}
    points = await _encode(request, engine, call, ends, labels)
    return Path(engine, *points, form.steps, form.method)


def _read_body(engine: Engine, name: str, end: EndpointBody) -> Point | Floats:
    if end.pixels is None:
        return Point(name, end.z, end.digit, end.label)
    x = engine.uploads.read_pixels(f"{name}.pixels", end.pixels)
    if len(x) != 1:
        raise InvalidValueError(f"{name}.pixels", "one picture", Text(str(len(x))))
    return x


def _read_options(fields: list[Field]) -> InterpolateForm:
    texts: dict[str, Any] = {}
    for name, content in fields:
        if name in texts:
            raise InvalidValueError(name, "one field of this name", Text("several"))
        texts[name] = content
    for name in ENDS:
        if name not in texts:
            raise InvalidValueError(name, "a file, a vector such as 0.5,-1.0, or digit:3", Text("nothing"))
        del texts[name]
    try:
        return InterpolateForm.model_validate(texts)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error


async def _read_field(
    engine: Engine, fields: list[Field], name: str, label: int | None, form: InterpolateForm
) -> Point | Floats:
    content = dict(fields)[name]
    if isinstance(content, str):
        return read_point(content, name, label)
    polarity = None if form.polarity == "auto" else form.polarity
    return await engine.uploads.read([(name, content)], polarity)


async def _encode(
    request: Request,
    engine: Engine,
    call: Call,
    ends: Mapping[str, Point | Floats],
    labels: Mapping[str, int | None],
) -> tuple[Point, Point]:
    pictures = [end for end in ends.values() if not isinstance(end, Point)]
    if pictures:
        posterior = await unless_gone(request.receive, engine.encode(np.concatenate(pictures), call))
        z_mean = iter(posterior.z_mean.astype(np.float64))
    start, end = (
        end if isinstance(end, Point) else Point(name, z=next(z_mean), label=labels[name])
        for name, end in ends.items()
    )
    return start, end
