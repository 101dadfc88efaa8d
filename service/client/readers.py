"""Owns reading responses: each becomes a result, or a `BrokenAnswerError` that says what is wrong."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import numpy as np
from numpy.typing import DTypeLike, NDArray

from service.client.errors import REQUEST_ID, BrokenAnswerError
from service.client.looks import Dtype
from service.client.replies import (
    File,
    Floats,
    Frame,
    Latents,
    ModelDetails,
    ModelInfo,
    Neighbours,
    Pictures,
    Posterior,
    Reconstruction,
)

T = TypeVar("T")
Read = Callable[[httpx.Response], T]

MODEL = "CVAE-Model"
SEED = "CVAE-Seed"
TIMING = "Server-Timing"
BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError, EOFError)


def read_answer(read: Read[T], response: httpx.Response, way: str) -> T:
    """Reads a response.

    Args:
        read: May fail as parsers do.
        response: Its body loaded.
        way: To the service, in words.

    Returns:
        What it reads.

    Raises:
        BrokenAnswerError: It failed.
    """
    try:
        return read(response)
    except BROKEN as error:
        kind = response.headers.get("content-type", "no content type")
        raise BrokenAnswerError(
            f"{way}: expected what the service's API says of {response.request.url.path}, "
            f"received {kind} that cannot be read ({error})"
        ) from error


def read_decoded(z: Floats) -> Read[Pictures]:
    """Gives the reader of pictures as npy, whose vectors are known."""

    def read(response: httpx.Response) -> Pictures:
        images = np.load(io.BytesIO(response.content), allow_pickle=False)
        if len(images) != len(z):
            raise ValueError(f"expected {len(z)} pictures, received {len(images)}")
        return Pictures(**_origin(response), z=z, images=images)

    return read


def read_pictures(dtype: Dtype) -> Read[Pictures]:
    """Gives the reader of vectors and pictures as JSON."""

    def read(response: httpx.Response) -> Pictures:
        fields = response.json()
        return Pictures(**_origin(response), **_pictures(fields, dtype), seed=fields.get("seed"))

    return read


def read_reconstruction(dtype: Dtype) -> Read[Reconstruction]:
    """Gives the reader of reconstructions as JSON."""

    def read(response: httpx.Response) -> Reconstruction:
        fields = response.json()
        return Reconstruction(
            **_origin(response),
            **_pictures(fields, dtype),
            x=_array(fields["x"], dtype),
            z_mean=_array(fields["z_mean"]),
            z_log_var=_array(fields["z_log_var"]),
            reconstruction_loss=_array(fields["reconstruction_loss"], np.float64),
            kl_divergence=_array(fields["kl_divergence"], np.float64),
            mean_squared_error=_array(fields["mean_squared_error"], np.float64),
        )

    return read


def read_posterior(response: httpx.Response) -> Posterior:
    """Reads the posterior of pictures."""
    fields = response.json()
    return Posterior(
        **_origin(response),
        z_mean=_array(fields["z_mean"]),
        z_log_var=_array(fields["z_log_var"]),
        z=_array(fields["z"]) if "z" in fields else None,
        seed=fields.get("seed"),
        neighbours=_neighbours(fields.get("neighbours") or [[]] * len(fields["z_mean"])),
    )


def read_latents(response: httpx.Response) -> Latents:
    """Reads an atlas."""
    fields = response.json()
    label = _array(fields["label"], np.int64)
    return Latents(**_origin(response), z_mean=_array(fields["z_mean"]), label=label)


def read_file(response: httpx.Response) -> File:
    """Reads any answer as a file."""
    seed = response.headers.get(SEED)
    kind = response.headers["content-type"].split(";")[0]
    origin = _origin(response)
    return File(**origin, content=response.content, media_type=kind, seed=seed and int(seed))


def read_models(response: httpx.Response) -> tuple[ModelInfo, ...]:
    """Reads the list of models."""
    return tuple(_model(ModelInfo, fields) for fields in response.json()["models"])


def read_model(response: httpx.Response) -> ModelDetails:
    """Reads what is said of a model."""
    return _model(ModelDetails, response.json())


def read_ready(response: httpx.Response) -> bool:
    """Reads the health check."""
    return bool(response.json()["status"] == "ready")


def read_frame(line: str, index: int, dtype: Dtype) -> Frame:
    """Reads a line of NDJSON.

    Args:
        line: The line.
        index: Of the frame that must come.
        dtype: Of its pixels.

    Returns:
        The frame.

    Raises:
        BrokenAnswerError: It is another, or none.
    """
    try:
        fields = json.loads(line)
        if fields["index"] != index:
            raise ValueError(f"index {fields['index']}")
        return Frame(index, _array(fields["z"]), _array(fields["image"], dtype))
    except BROKEN as error:
        raise BrokenAnswerError(
            f"expected frame {index}, received a line that cannot be read ({error})"
        ) from error


def _origin(response: httpx.Response) -> dict[str, Any]:
    model, _, version = response.headers[MODEL].partition("@")
    return {
        "model": model,
        "version": version,
        "request_id": response.headers.get(REQUEST_ID, ""),
        "timings": _timings(response.headers.get(TIMING, "")),
    }


def _timings(text: str) -> dict[str, float]:
    timings = {}
    for part in filter(None, text.split(",")):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        durations = [float(piece[4:]) for piece in parameters if piece.startswith("dur=")]
        if durations:
            timings[name] = durations[0]
    return timings


def _pictures(fields: dict[str, Any], dtype: Dtype) -> dict[str, Any]:
    return {"z": _array(fields["z"]), "images": _array(fields["images"], dtype)}


def _array(numbers: Any, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    return np.array(numbers, dtype)


def _neighbours(rows: list[list[dict[str, Any]]]) -> Neighbours:
    def column(name: str, dtype: DTypeLike) -> NDArray[Any]:
        return np.array([[entry[name] for entry in row] for row in rows], dtype)

    return Neighbours(column("label", np.int64), column("distance", np.float64), column("index", np.int64))


def _model(kind: type[T], fields: dict[str, Any]) -> T:
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    known = {name: value for name, value in fields.items() if name in names}
    return kind(**{**known, "classes": tuple(known["classes"])})
