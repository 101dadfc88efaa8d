"""The header fields of a model's answers: which model it was, and where the time went."""

from __future__ import annotations

import functools

from starlette.responses import Response

from service.batching.context import RequestContext
from service.bundles.manifest import Manifest
from service.core.headers import MODEL_HEADER, SERVER_TIMING

TIMING_FIELD = SERVER_TIMING.lower().encode()


class RawResponse(Response):
    """An answer whose header fields are bytes already; Starlette would encode each of them anew."""

    def __init__(self, status_code: int, content: bytes, fields: list[tuple[bytes, bytes]]) -> None:
        self.status_code, self.background = status_code, None
        self.body = self.content = content
        self.raw_headers = fields


class ModelResponse(RawResponse):
    """An answer of a model."""

    def __init__(self, content: bytes, media_type: str, manifest: Manifest, call: RequestContext) -> None:
        fields = [
            encode_model(manifest.name, manifest.version),
            (TIMING_FIELD, call.timing()),
            (b"content-length", b"%d" % len(content)),
            (b"content-type", media_type.encode()),
        ]
        super().__init__(200, content, fields)


@functools.lru_cache(256)
def encode_model(name: str, version: str) -> tuple[bytes, bytes]:
    """Return the header field that says which model answered."""
    return MODEL_HEADER.lower().encode(), f"{name}@{version}".encode()


def headers_of(manifest: Manifest, call: RequestContext) -> dict[str, str]:
    """Return the headers that each answer of a model has: which one, and where the time went."""
    return {MODEL_HEADER: f"{manifest.name}@{manifest.version}", SERVER_TIMING: call.timing().decode()}
