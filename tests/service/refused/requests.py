"""Requests that must be refused, made of tables that were written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from tests.service.refused.bytes import (
    BROKEN,
    FILES,
    FORMS,
    INFER,
    METHODS,
    NPY_HEADERS,
    PATHS,
    POSTS,
    REQUESTS,
    TENSORS,
    TYPES,
    Z,
)
from tests.service.refused.values import BODIES, JSON, QUERIES


class Refused(NamedTuple):
    """A request: the target after the host, the body and its type."""

    method: str
    target: str
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def list_refused() -> Iterator[Refused]:
    """Return every request of the tables."""
    yield from _list_urls()
    yield from _list_bodies()
    yield from _list_protocol()
    yield from _list_uploads()
    for path in PATHS:
        yield Refused("GET", path)
    for path in (*POSTS, "/decode.png", "/models", "/health/ready", "/v2", INFER):
        for method in METHODS:
            yield Refused(method, path)


def _list_urls() -> Iterator[Refused]:
    for path, right, parameters in QUERIES:
        fields = dict(field.split("=") for field in right.split("&"))
        for name, values in parameters.items():
            for value in values:
                query = "&".join(f"{key}={text}" for key, text in {**fields, name: value}.items())
                yield Refused("GET", f"{path}?{query}")
        for field in ("unknown=1", "%00=1", "=1", "model=fake&model"):
            yield Refused("GET", f"{path}?{right}&{field}")


def _list_bodies() -> Iterator[Refused]:
    for path, right, fields in BODIES:
        for name, values in {**fields, "unknown": (1, None), "": (1,)}.items():
            for value in values:
                yield _post(path, json.dumps({**right, name: value}).encode())
        for name in (name for name in right if name not in ("n", "seed", "steps")):
            yield _post(
                path, json.dumps({key: value for key, value in right.items() if key != name}).encode()
            )
    for path in POSTS:
        for content in BROKEN:
            if (path, content) != ("/sample", b""):
                yield _post(path, content)
        for media_type in TYPES:
            yield _post(path, b'{"z":[0,0]}', media_type)


def _list_protocol() -> Iterator[Refused]:
    for name, values in TENSORS.items():
        for value in values:
            yield _post(INFER, json.dumps({"inputs": [{**Z, name: value}]}).encode())
    for message in REQUESTS:
        yield _post(INFER, json.dumps(message).encode())
    for content in BROKEN:
        yield _post(INFER, content)
        if content:
            yield (
                _post("/v2/repository/index", content)
                if content not in (b"{", b"[]")
                else _post(INFER, content + b" ")
            )
    whole = json.dumps({"inputs": [Z]}).encode()
    for length in ("-1", "x", "1", "99999999", "9" * 30, "1.5", " ", str(len(whole) - 1)):
        yield Refused(
            "POST", INFER, whole, (("content-type", JSON), ("inference-header-content-length", length))
        )
    for packing in ("br", "gzip", "deflate", "x"):
        yield Refused("POST", INFER, whole, (("content-type", JSON), ("content-encoding", packing)))


def _list_uploads() -> Iterator[Refused]:
    for header in NPY_HEADERS:
        text = header.encode().ljust(118) + b"\n"
        head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
        yield _post("/decode", head + bytes(8), "application/x-npy")
    for head in (
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x09\x00\x10\x00",
        b"\x93NUMPY\x01\x00\xff\xff{}",
        b"NUMPY",
    ):
        yield _post("/decode", head, "application/x-npy")
    for path in ("/encode", "/reconstruct"):
        for content in FILES:
            yield _post(path, content, "image/png")
        for content in FORMS:
            yield _post(path, content, "multipart/form-data; boundary=b")
        for media_type in (
            "multipart/form-data",
            "multipart/form-data; boundary=",
            f"multipart/form-data; boundary={'b' * 300}",
        ):
            yield _post(path, FORMS[1], media_type)


def _post(target: str, content: bytes, media_type: str = JSON) -> Refused:
    return Refused("POST", target, content, (("content-type", media_type),))
