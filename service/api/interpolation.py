"""Read a path from a request, JSON or a form: two ends, each of them a vector, a class or a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from fastapi import Request

from service.api.schemas.requests import InterpolateForm, InterpolateRequest, PathEnd
from service.api.uploads import Field, read_form, to_x
from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import ClassName, Method, Polarity
from service.core.errors import InvalidValueError, Text
from service.core.media_types import JSON
from service.http.bodies.forms import FORM
from service.http.bodies.json_bodies import read_json
from service.http.disconnect import unless_gone
from service.http.query_params import read_texts
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.latent.parsing import read_point
from service.latent.point import Point

ENDS = ("from", "to")


class Endpoint(NamedTuple):
    """An end of a path; the point of a picture is at 0 until the picture is encoded."""

    point: Point
    x: Floats | None = None


class Files(NamedTuple):
    """What it takes to read the pictures of a form."""

    request: Request
    engine: Engine
    polarity: Polarity
    call: RequestContext


@dataclasses.dataclass(frozen=True)
class InterpolationRequest:
    """Two ends, what to go through between them, and how to go."""

    engine: Engine
    stops: Sequence[Endpoint]
    steps: int
    method: Method | None

    async def draw(self, request: Request, call: RequestContext) -> Floats:
        """Return the decoder's rows; what does not fit the model is refused before a picture is encoded.

        Args:
            request: If its client goes, the pictures are not encoded.
            call: The request's context.

        Returns:
            The same as `LatentSpace.connect`, whose errors it raises.
        """
        rows = self._connect([stop.point for stop in self.stops])
        if not (pictures := [stop.x for stop in self.stops if stop.x is not None]):
            return rows
        posterior = await unless_gone(request, self.engine.encode(np.concatenate(pictures), call))
        z_mean = iter(posterior.z_mean.astype(np.float64))
        return self._connect(
            [
                stop.point if stop.x is None else dataclasses.replace(stop.point, z=next(z_mean))
                for stop in self.stops
            ]
        )

    def _connect(self, points: Sequence[Point]) -> Floats:
        return self.engine.space.connect(points, self.steps, self.method)


async def read_path(
    request: Request, media_type: str, models: Registry, call: RequestContext
) -> InterpolationRequest:
    """Read the body of a request as a path.

    Args:
        request: The request, whose body is read here.
        media_type: The media type of the body: JSON or a form.
        models: The loaded models, of which the body names one.
        call: The request's context.

    Returns:
        The path; its points are not yet checked against the model.

    Raises:
        ClientError: The body is not a path.
        RequestValidationError: It does not fit its schema.
    """
    if media_type == JSON:
        body = await read_json(request, InterpolateRequest, call, FORM)
        engine = models.get(body.model)
        through = body.through or ()
        engine.space.check_path(len(through) + 2, body.steps)
        named = (
            ("from", body.start),
            *((f"through[{i}]", end) for i, end in enumerate(through)),
            ("to", body.end),
        )
        stops = [_read_body(engine, name, end) for name, end in named]
        return InterpolationRequest(engine, stops, body.steps, body.method)
    fields = await read_form(request, models, call)
    form = _read_options(fields)
    engine = models.get(form.model)
    engine.space.check_rows("steps", form.steps)
    files = Files(request, engine, form.polarity, call)
    labels, contents = {"from": form.from_label, "to": form.to_label}, dict(fields)
    stops = [await _read_field(files, name, contents[name], labels[name]) for name in ENDS]
    return InterpolationRequest(engine, stops, form.steps, form.method)


def _read_body(engine: Engine, name: str, end: PathEnd) -> Endpoint:
    if end.pixels is None:
        return Endpoint(Point(name, end.z, end.digit, end.label))
    x = engine.uploads.read_pixels(f"{name}.pixels", end.pixels)
    if len(x) != 1:
        raise InvalidValueError(f"{name}.pixels", "one picture", Text(str(len(x))))
    return Endpoint(Point(name, np.zeros(engine.space.dim), label=end.label), x)


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
    return read_texts(InterpolateForm, texts, "body")


async def _read_field(files: Files, name: str, content: str | bytes, label: ClassName | None) -> Endpoint:
    if isinstance(content, str):
        return Endpoint(read_point(content, name, label))
    x = await to_x(files.request, files.engine, [(name, content)], files.polarity, files.call)
    return Endpoint(Point(name, np.zeros(files.engine.space.dim), label=label, at=name), x)
