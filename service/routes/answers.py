"""Owns how results become HTTP answers: PNG or JSON, and the headers that name model and seed."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

import orjson
from fastapi import Response
from numpy.typing import NDArray

from service import images
from service.calls import HEADER, Call
from service.engine import Pictures, Posterior
from service.manifest import Manifest
from service.negotiation import JSON, NPY, PNG
from service.npy import write_npy
from service.png import write_png
from service.rendering import Look, draw_sheet
from service.schemas import Dtype

# Rendering so many takes 0.1 ms, as long as a thread's start and end would.
INLINE_PIXELS = 16 * 28 * 28
OFFERED = (PNG, JSON, NPY)
SEED_HEADER = "CVAE-Seed"


async def answer_pictures(
    manifest: Manifest,
    pictures: Pictures,
    media_type: str,
    call: Call,
    *,
    dtype: Dtype = "float32",
    columns: int | None = None,
    facts: dict[str, Any] | None = None,
) -> Response:
    """Answers with pictures.

    Args:
        manifest: Of the model that made them.
        pictures: One or several; several make one sheet.
        media_type: One of `OFFERED`.
        call: That made them.
        dtype: Of the pixels in JSON and npy.
        columns: Of the sheet; unset: about square.
        facts: Further fields of the JSON answer.

    Returns:
        The answer.
    """
    if media_type == PNG:
        render = functools.partial(_png, pictures, columns)
    elif media_type == JSON:
        render = functools.partial(_json, manifest, pictures, facts or {}, dtype)
    else:
        render = functools.partial(_npy, pictures, dtype)
    begun = time.perf_counter()
    content = render() if pictures.image.size <= INLINE_PIXELS else await asyncio.to_thread(render)
    call.encode_s = time.perf_counter() - begun
    headers = {**headers_of(manifest), "Vary": "Accept", HEADER: call.timing()}
    return Response(content, media_type=media_type, headers=headers)


def answer_posterior(manifest: Manifest, posterior: Posterior, seed: int | None, call: Call) -> Response:
    """Answers with z_mean and z_log_var, and with z and the seed if there is one."""
    fields: dict[str, Any] = {"z_mean": posterior.z_mean, "z_log_var": posterior.z_log_var}
    if posterior.z is not None:
        fields |= {"z": posterior.z, "seed": seed}
    begun = time.perf_counter()
    content = _dump(manifest, fields)
    call.encode_s = time.perf_counter() - begun
    return Response(content, media_type=JSON, headers={**headers_of(manifest), HEADER: call.timing()})


def headers_of(manifest: Manifest) -> dict[str, str]:
    """Gives the headers that say which model answered."""
    return {"CVAE-Model": f"{manifest.name}@{manifest.version}"}


def _png(pictures: Pictures, columns: int | None) -> bytes:
    return write_png(draw_sheet(images.to_bytes(pictures.image), Look(columns=columns)))


def _json(manifest: Manifest, pictures: Pictures, facts: dict[str, Any], dtype: Dtype) -> bytes:
    return _dump(manifest, {**facts, "z": pictures.z, "images": _pixels(pictures, dtype)})


def _npy(pictures: Pictures, dtype: Dtype) -> bytes:
    return write_npy(_pixels(pictures, dtype))


def _pixels(pictures: Pictures, dtype: Dtype) -> NDArray[Any]:
    image = pictures.image if dtype == "float32" else images.to_bytes(pictures.image)
    # Grey pictures lose their channel axis, so that what /decode gives is what /encode takes.
    return image[..., 0] if image.shape[-1] == 1 else image


def _dump(manifest: Manifest, fields: dict[str, Any]) -> bytes:
    identity = {"model": manifest.name, "version": manifest.version}
    return orjson.dumps(
        {**identity, **fields}, option=orjson.OPT_SERIALIZE_NUMPY, default=lambda array: array.tolist()
    )
