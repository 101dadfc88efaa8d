"""Owns how results become HTTP answers: PNG or JSON, and the headers that name model and seed."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import orjson
from fastapi import Response

from service import images
from service.engine import Pictures, Posterior
from service.manifest import Manifest
from service.negotiation import JSON, PNG
from service.png import write_png

# Rendering so many takes 0.1 ms, as long as a thread's start and end would.
INLINE_PIXELS = 16 * 28 * 28
OFFERED = (PNG, JSON)


async def answer_pictures(
    manifest: Manifest,
    pictures: Pictures,
    media_type: str,
    *,
    columns: int | None = None,
    facts: dict[str, Any] | None = None,
) -> Response:
    """Answers with pictures.

    Args:
        manifest: Of the model that made them.
        pictures: One or several; several make one sheet.
        media_type: `image/png` or `application/json`.
        columns: Of the sheet; unset: about square.
        facts: Further fields of the JSON answer.

    Returns:
        The answer.
    """
    render = functools.partial(_png, pictures, columns)
    if media_type == JSON:
        render = functools.partial(_json, manifest, pictures, facts or {})
    content = render() if pictures.image.size <= INLINE_PIXELS else await asyncio.to_thread(render)
    headers = {**headers_of(manifest), "Vary": "Accept"}
    return Response(content, media_type=media_type, headers=headers)


def answer_posterior(manifest: Manifest, posterior: Posterior, seed: int | None) -> Response:
    """Answers with z_mean and z_log_var, and with z and the seed if there is one."""
    fields: dict[str, Any] = {"z_mean": posterior.z_mean, "z_log_var": posterior.z_log_var}
    if posterior.z is not None:
        fields |= {"z": posterior.z, "seed": seed}
    return Response(_dump(manifest, fields), media_type=JSON, headers=headers_of(manifest))


def headers_of(manifest: Manifest) -> dict[str, str]:
    """Gives the headers that say which model answered."""
    return {"CVAE-Model": f"{manifest.name}@{manifest.version}"}


def _png(pictures: Pictures, columns: int | None) -> bytes:
    return write_png(images.make_sheet(images.to_bytes(pictures.image), columns))


def _json(manifest: Manifest, pictures: Pictures, facts: dict[str, Any]) -> bytes:
    image = pictures.image
    # Grey pictures lose their channel axis, so that what /decode gives is what /encode takes.
    flat = image[..., 0] if image.shape[-1] == 1 else image
    return _dump(manifest, {**facts, "z": pictures.z, "images": flat})


def _dump(manifest: Manifest, fields: dict[str, Any]) -> bytes:
    identity = {"model": manifest.name, "version": manifest.version}
    return orjson.dumps(
        {**identity, **fields}, option=orjson.OPT_SERIALIZE_NUMPY, default=lambda array: array.tolist()
    )
