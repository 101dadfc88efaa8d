"""Owns reading the pictures out of an answer of any format, to hold them against the truth."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from tests.reliability.truth import Floats, draw_sheet, near, to_levels

Array = NDArray[Any]
# Of float32 pixels, between batches of other sizes; pictures of other rows differ by far more.
TOLERANCE = 1e-4


def read_png(body: bytes) -> Array:
    """Return the pixels of a still PNG or WebP, grey as `(height, width)` uint8."""
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        return np.asarray(image.convert("L"))


def read_frames(body: bytes) -> Array:
    """Return the frames of a GIF, an APNG or a WebP that moves, `(n, height, width)` uint8."""
    with Image.open(io.BytesIO(body)) as image:
        return np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)])


def read_zip(body: bytes) -> Array:
    """Return the pictures of a zip in the order of their names, after its checksums were tried."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = archive.namelist()
        if names != sorted(names):
            raise ValueError(f"zip: expected names in order, received {names}")
        return np.stack([read_png(archive.read(name)) for name in names])


def read_lines(body: bytes) -> Array:
    """Return the images of NDJSON, after its indices were counted."""
    lines = [json.loads(line) for line in body.decode().splitlines()]
    if (indices := [line["index"] for line in lines]) != list(range(len(lines))):
        raise ValueError(f"ndjson: expected indices from 0 on, received {indices}")
    return np.array([line["image"] for line in lines])


def read_npy(body: bytes) -> Array:
    """Return the array of an npy file."""
    file = io.BytesIO(body)
    array: Array = np.load(file, allow_pickle=False)
    if file.read():
        raise ValueError("npy: expected nothing behind the array, received more")
    return array


def check_pictures(extension: str, body: bytes, image: Floats, look: dict[str, int], *, moves: bool) -> None:
    """Check that an answer holds just these pictures, in order.

    Args:
        extension: Of the format, such as "png".
        body: Of the answer.
        image: `(n, height, width)` float32 in [0, 1], the truth.
        look: `columns`, `scale` and `padding` of the request, as far as it has them.
        moves: Whether a WebP is a sequence.

    Raises:
        ValueError: It does not.
    """
    if extension in ("json", "npy", "ndjson"):
        _check_numbers(extension, body, image)
    elif extension == "png" or (extension == "webp" and not moves):
        near(read_png(body), draw_sheet(to_levels(image), **look), 1, extension)
    else:
        frames = read_zip(body) if extension == "zip" else read_frames(body)
        drawn = [draw_sheet(level[np.newaxis], **look) for level in to_levels(image)]
        near(frames, np.stack(drawn), 1, extension)


def _read_json(body: bytes) -> Array:
    return np.array(json.loads(body)["images"])


def _check_numbers(extension: str, body: bytes, image: Floats) -> None:
    readers = {"npy": read_npy, "ndjson": read_lines, "json": _read_json}
    found = readers[extension](body)
    if found.dtype.kind in "iu":
        near(found, to_levels(image), 1, extension)
    else:
        near(found, image, TOLERANCE, extension)
