"""Owns reading the requests of the fast lane: one vector, or one digit with its seed, of the default model.

Invariant: an order is only made of what is understood completely; all else is None, for the usual way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson

from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import SEED_LIMIT
from service.core.errors import ClientError
from service.core.headers import SEED_HEADER
from service.core.media_types import PNG
from service.http.caching import LOOSE, tag_rows
from service.imaging.representation import Representation
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.latent.space import Z_LIMIT

DECODE = "/decode"
DECODE_URL = "/decode.png"
DIGITS = "/digits/"
# What FastAPI calls the routes that it did not take.
ROUTES = (DECODE, "/decode.{extension}", "/digits/{digit}", "/digits/{digit}.{extension}")
# Those whose URL does not end in what is wanted.
NEGOTIATED = (ROUTES[0], ROUTES[2])

DIGIT = re.compile(r"/digits/([0-9]{1,9})(\.png)?")
SEED = re.compile(rb"seed=([0-9]{1,10})")
# With the comma as it is, or as scripts write it. Neither "nan" nor "_" can be spelt with these.
VECTOR = re.compile(rb"z=((?:[0-9.eE-]|,|%2[Cc])+)")
NUMBERS = {int, float}
PICTURE = Representation(PNG)
TAG_LINES = f"etag: %b\r\ncache-control: {LOOSE}\r\n".encode()
SEED_LINE = f"{SEED_HEADER.lower()}: %d\r\n".encode()


class FastRequest(NamedTuple):
    """What a request asks for.

    Attributes:
        route: What FastAPI calls it.
        row: One, as `Engine.submit` of the default model takes it.
        call: What it is granted.
        tag: Of the picture, if a URL asks for it; else empty.
        lines: Header lines that answers with a tag have.
    """

    route: str
    row: Floats
    call: RequestContext
    tag: str = ""
    lines: bytes = b""


def read_order(registry: Registry, scope: Mapping[str, Any], body: bytes) -> FastRequest | None:
    """Gives what a request asks for, as far as it is understood.

    Args:
        registry: Started.
        scope: Of a POST to `DECODE`, or of a GET of `DECODE_URL` or below `DIGITS`.
        body: Whole.

    Returns:
        The order, or None for the usual way to look at.
    """
    if scope["method"] == "POST":
        return _read_body(registry, body)
    if scope["path"] == DECODE_URL:
        return _read_url(registry, scope["query_string"])
    return _read_digit(registry, scope)


def _read_body(registry: Registry, body: bytes) -> FastRequest | None:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(fields) is not dict or len(fields) != 1 or type(z := fields.get("z")) is not list:
        return None
    if not NUMBERS.issuperset(map(type, z)):
        return None
    row = _place(registry.get(), z)
    return None if row is None else FastRequest(DECODE, row, registry.open_call())


def _read_url(registry: Registry, query: bytes) -> FastRequest | None:
    if (found := VECTOR.fullmatch(query)) is None:
        return None
    try:
        z = [float(part) for part in found[1].upper().replace(b"%2C", b",").split(b",")]
    except ValueError:
        return None
    engine = registry.get()
    if (row := _place(engine, z)) is None:
        return None
    tag, lines = _tag(engine, row)
    return FastRequest(ROUTES[1], row, registry.open_call(), tag, lines)


def _read_digit(registry: Registry, scope: Mapping[str, Any]) -> FastRequest | None:
    digit, seed = DIGIT.fullmatch(scope["path"]), SEED.fullmatch(scope["query_string"])
    if digit is None or seed is None or int(seed[1]) >= SEED_LIMIT:
        return None
    engine = registry.get()
    try:
        row = engine.space.draw(int(digit[1]), int(seed[1]), 1.0)
    except ClientError:
        return None
    tag, lines = _tag(engine, row)
    route = ROUTES[3] if digit[2] else ROUTES[2]
    return FastRequest(route, row, registry.open_call(), tag, lines + SEED_LINE % int(seed[1]))


def _place(engine: Engine, z: list[int | float]) -> Floats | None:
    space = engine.space
    if space.labels or len(z) != space.dim or min(z) < -Z_LIMIT or max(z) > Z_LIMIT:
        return None
    return np.array([z], np.float32)


def _tag(engine: Engine, row: Floats) -> tuple[str, bytes]:
    tag = tag_rows(engine, row, PICTURE)
    return tag, TAG_LINES % tag.encode()
