"""HTTP caching (RFC 9110, 9111): entity tags that are known before a model runs, and how long answers keep.

Invariant: equal tags mean equal bytes. A tag is a digest of all that decides the bytes: the model's version,
the rows that it is to decode, how they are drawn, and the libraries and the machine that draw them.
"""

from __future__ import annotations

import functools
import hashlib
import platform
from typing import Any

import numpy as np
import orjson
import PIL
import zlib_ng

from service.core.arrays import Floats
from service.core.media_types import JSON
from service.imaging.representation import Representation
from service.inference.engine import Engine
from service.inference.onnx_model import Runtime

# To be raised when the same request begins to be answered with other bytes.
RENDERER = 2
TAG_BYTES = 16
YEAR_S = 365 * 24 * 3600
# Without a version in the URL, a reload may change the picture.
SHORT_S = 60
PINNED = f"public, max-age={YEAR_S}, immutable"
LOOSE = f"public, max-age={SHORT_S}, stale-while-revalidate={SHORT_S}"
# Without a seed in the URL, the next picture is to be another; errors and states pass.
NEVER = "no-store"
# Descriptions of the service change when it starts anew, and are then to be seen soon.
BRIEF_S = 10
BRIEF = f"public, max-age={BRIEF_S}"


@functools.lru_cache
def stamp(name: str, version: str, runtime: Runtime) -> bytes:
    """Return what all tags of a model's pictures begin with.

    Args:
        name: The model's name.
        version: The model's version, which stands for every weight.
        runtime: What the model runs on.

    Returns:
        A digest of these and of the libraries that draw.
    """
    libraries = PIL.__version__, zlib_ng.__version__, np.__version__, runtime.onnxruntime
    parts = (RENDERER, *libraries, platform.machine(), runtime.provider, name, version)
    return hashlib.blake2b("\n".join(map(str, parts)).encode(), digest_size=TAG_BYTES).digest()


def make_tag(*parts: bytes) -> str:
    """Return a strong entity tag of bytes.

    Args:
        *parts: From the general to the special; where each ends counts, so `ab, c` is not `a, bc`.

    Returns:
        The tag in quotes, as in the header.
    """
    return _finish_tag(hashlib.blake2b(digest_size=TAG_BYTES), *parts)


def is_fresh(if_none_match: str | None, tag: str) -> bool:
    """Return whether the client has what the tag stands for.

    Args:
        if_none_match: The header, or None.
        tag: The tag of the current representation.

    Returns:
        Whether 304 is the answer: the tag is listed, weak or strong, or there is a `*`.
    """
    if if_none_match is None:
        return False
    listed = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return tag in listed or "*" in listed


def control(*, pinned: bool) -> str:
    """Return the `Cache-Control` of a picture that does not change from request to request.

    Args:
        pinned: Whether the URL names the model's version, and so can never mean another picture.
    """
    return PINNED if pinned else LOOSE


def tag_rows(
    engine: Engine, rows: Floats, wanted: Representation, extra: dict[str, Any] | None = None
) -> str:
    """Return the tag of the pictures that rows decode to."""
    known = orjson.dumps(extra) if wanted.media_type == JSON or wanted.noted else b""
    manifest = engine.manifest
    digest = _begin_tag(manifest.name, manifest.version, engine.model.runtime, wanted.digest_text).copy()
    return _finish_tag(digest, known, rows.tobytes())


@functools.lru_cache(256)
def _begin_tag(name: str, version: str, runtime: Runtime, representation: bytes) -> Any:
    digest = hashlib.blake2b(digest_size=TAG_BYTES)
    _add_parts(digest, stamp(name, version, runtime), representation)
    return digest


def _finish_tag(digest: Any, *parts: bytes) -> str:
    _add_parts(digest, *parts)
    return f'"{digest.hexdigest()}"'


def _add_parts(digest: Any, *parts: bytes) -> None:
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)


def tag_text(engine: Engine, *parts: str) -> str:
    """Return the tag of an answer that a model's version and some texts decide."""
    return make_tag(_stamp(engine), *(part.encode() for part in parts))


def _stamp(engine: Engine) -> bytes:
    return stamp(engine.manifest.name, engine.manifest.version, engine.model.runtime)
