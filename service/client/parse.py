"""Parsers of responses: each returns a result, or raises a `BrokenAnswerError` that says what is wrong."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx
import numpy as np
from numpy.typing import DTypeLike, NDArray

from service.client.completeness import check_file, check_npy
from service.client.errors import BrokenAnswerError
from service.client.results import (
    File,
    Floats,
    Frame,
    Latents,
    Neighbours,
    Pictures,
    Posterior,
    Reconstruction,
)
from service.core.choices import Dtype, Format
from service.core.headers import MODEL_HEADER, REQUEST_ID, SEED_HEADER, SERVER_TIMING
from service.core.media_types import FORMATS

T = TypeVar("T")
Read = Callable[[httpx.Response], T]

MEASURES = ("reconstruction_loss", "kl_divergence", "mean_squared_error")
BROKEN = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    EOFError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_answer(read: Read[T], response: httpx.Response, route: str) -> T:
    """Read a response.

    Args:
        read: Parses the response; may raise any of `BROKEN`.
        response: With its body loaded.
        route: How the service is reached, for the message.

    Returns:
        The parsed result.

    Raises:
        BrokenAnswerError: The response cannot be parsed, or is not complete.
    """
    try:
        _check_length(response)
        return read(response)
    except BROKEN as error:
        content_type = response.headers.get("content-type", "no content type")
        raise BrokenAnswerError(
            f"{route}: expected what the service's API says of {response.request.url.path}, "
            f"received {content_type} that cannot be read ({error})"
        ) from error


def read_decoded(z: Floats, dtype: Dtype) -> Read[Pictures]:
    """Return a parser of pictures as npy; their vectors are known."""

    def read(response: httpx.Response) -> Pictures:
        check_npy(response.content)
        images = np.load(io.BytesIO(response.content), allow_pickle=False)
        if images.dtype != dtype:
            raise ValueError(f"expected pixels of {dtype}, received {images.dtype}")
        _check_counts(len(z), images)
        return Pictures(**_origin(response), z=z, images=images)

    return read


def read_pictures(n: int | None, dtype: Dtype) -> Read[Pictures]:
    """Return a parser of n vectors and pictures as JSON; None: of any number."""

    def read(response: httpx.Response) -> Pictures:
        fields = response.json()
        arrays = _pictures(fields, dtype)
        _check_counts(n, *arrays.values())
        return Pictures(**_origin(response), **arrays, seed=fields.get("seed"))

    return read


def read_reconstruction(n: int | None, dtype: Dtype) -> Read[Reconstruction]:
    """Return a parser of n reconstructions as JSON; None: of any number."""

    def read(response: httpx.Response) -> Reconstruction:
        fields = response.json()
        arrays = {
            **_pictures(fields, dtype),
            "x": _pixels(fields["x"], dtype),
            **{name: _array(fields[name]) for name in ("z_mean", "z_log_var")},
            **{name: _array(fields[name], np.float64) for name in MEASURES},
        }
        _check_counts(n, *arrays.values())
        return Reconstruction(**_origin(response), **arrays)

    return read


def read_posterior(n: int | None, *, drawn: bool) -> Read[Posterior]:
    """Return a parser of the posterior of n pictures (None: any number), with z if it was `drawn`."""

    def read(response: httpx.Response) -> Posterior:
        fields = response.json()
        names = ("z_mean", "z_log_var", *(["z"] if drawn else []))
        arrays: dict[str, Any] = {name: _array(fields[name]) for name in names}
        rows = fields.get("neighbours", [[]] * len(fields["z_mean"]))
        _check_counts(n, *arrays.values(), rows)
        seed = fields["seed"] if drawn else None
        made_by = tuple(fields.get("made_by", ()))
        found: dict[str, Any] = {"seed": seed, "neighbours": _neighbours(rows), "made_by": made_by}
        return Posterior(**_origin(response), **arrays, **found)

    return read


def read_latents(response: httpx.Response) -> Latents:
    """Parse an atlas."""
    fields = response.json()
    z_mean, label = _array(fields["z_mean"]), _array(fields["label"], np.int64)
    _check_counts(None, z_mean, label)
    return Latents(**_origin(response), z_mean=z_mean, label=label)


def read_file(format: Format | None, pictures: int | None) -> Read[File]:  # noqa: A002
    """Return a parser of a response as a file.

    Args:
        format: The expected format; None: JSON.
        pictures: How many it must hold; None: any number.
    """
    expected = format or "json"

    def read(response: httpx.Response) -> File:
        media_type = response.headers["content-type"].split(";")[0].strip().lower()
        if media_type != FORMATS[expected]:
            raise ValueError(f"expected {FORMATS[expected]}")
        origin, seed = _origin(response), response.headers.get(SEED_HEADER)
        check_file(expected, response.content, pictures)
        return File(**origin, content=response.content, media_type=media_type, seed=seed and int(seed))

    return read


def read_frame(line: str, index: int, dtype: Dtype) -> Frame:
    """Parse a line of NDJSON.

    Args:
        line: A JSON object.
        index: The expected index of the frame.
        dtype: Of its pixels.

    Returns:
        The frame.

    Raises:
        BrokenAnswerError: It is no frame, or has another index.
    """
    try:
        fields = json.loads(line)
        if fields["index"] != index:
            raise ValueError(f"index {fields['index']}")
        return Frame(index, _array(fields["z"]), _pixels(fields["image"], dtype))
    except BROKEN as error:
        raise BrokenAnswerError(
            f"expected frame {index}, received a line that cannot be read ({error})"
        ) from error


def _check_length(response: httpx.Response) -> None:
    # httpx checks the length of what it reads from a socket, but not what another transport returns.
    length = response.headers.get("content-length", "")
    received = len(response.content)
    if length.isdecimal() and "content-encoding" not in response.headers and int(length) != received:
        raise ValueError(f"expected {length} bytes, received {received}")


def _check_counts(n: int | None, *rows: Sequence[Any] | NDArray[Any]) -> None:
    expected = len(rows[0]) if n is None else n
    for each in rows:
        if len(each) != expected:
            raise ValueError(f"expected {expected} pictures, received {len(each)}")


def _origin(response: httpx.Response) -> dict[str, Any]:
    model, _, version = response.headers[MODEL_HEADER].partition("@")
    return {
        "model": model,
        "version": version,
        "request_id": response.headers.get(REQUEST_ID, ""),
        "timings": _timings(response.headers.get(SERVER_TIMING, "")),
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
    return {"z": _array(fields["z"]), "images": _pixels(fields["images"], dtype)}


def _pixels(numbers: Any, dtype: Dtype) -> NDArray[Any]:
    array = np.array(numbers)
    # NumPy would turn 0.5 into the level 0.
    if dtype == "uint8" and array.dtype.kind not in "iu":
        raise ValueError(f"expected pixels of uint8, received {array.dtype}")
    return _array(numbers, dtype)


def _array(numbers: Any, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    return np.array(numbers, dtype)


def _neighbours(rows: list[list[dict[str, Any]]]) -> Neighbours:
    def column(name: str, dtype: DTypeLike) -> NDArray[Any]:
        return np.array([[entry[name] for entry in row] for row in rows], dtype)

    return Neighbours(column("label", np.int64), column("distance", np.float64), column("index", np.int64))
