"""The header fields of a model's answers: which model it was, and where the time went."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from starlette.responses import Response

from service.batching.context import RequestContext
from service.bundles.manifest import Manifest
from service.core.headers import MODEL_HEADER, SERVER_TIMING

TIMING_FIELD = SERVER_TIMING.lower().encode()


class ModelResponse(Response):
    """An answer of a model, with header fields in bytes; Starlette would encode each of them anew."""

    def __init__(self, content: bytes, media_type: str, manifest: Manifest, call: RequestContext) -> None:
        self.status_code, self.background = 200, None
        self.body = self.content = content
        self.raw_headers = [
            _encode_constant(manifest.name, manifest.version),
            (TIMING_FIELD, call.timing().encode()),
            (b"content-length", b"%d" % len(content)),
            (b"content-type", media_type.encode()),
        ]


def add_fields(response: Response, fields: Mapping[str, str]) -> None:
    """Add header fields that a response does not have yet."""
    response.raw_headers += [
        (name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()
    ]


@functools.lru_cache(256)
def _encode_constant(name: str, version: str) -> tuple[bytes, bytes]:
    return MODEL_HEADER.lower().encode(), f"{name}@{version}".encode()


def headers_of(manifest: Manifest, call: RequestContext) -> dict[str, str]:
    """Return the headers that each answer of a model has: which one, and where the time went."""
    return {**constant_headers(manifest), SERVER_TIMING: call.timing()}


def constant_headers(manifest: Manifest) -> dict[str, str]:
    """Return those headers of a model's answers that depend on the model alone."""
    return {MODEL_HEADER: f"{manifest.name}@{manifest.version}"}
