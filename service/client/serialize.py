"""Owns what callers hand in: vectors, points, pictures; each becomes what a request holds.

Only what would be lost on the way is checked here. All else the service checks, and says better.
"""

from __future__ import annotations

import io
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

Floats = NDArray[np.float32]
# A picture in a file: its bytes, PNG or JPEG; its path; or Pillow's image, which is sent as PNG.
PictureFile = bytes | os.PathLike[str] | Image.Image
# Arrays are taken as they are: float in [0, 1], or uint8, one picture or several.
Pictures = NDArray[Any] | PictureFile | Sequence[PictureFile]
# A class's label, a vector, a text such as "digit:3" or "0.5,-1.0", or one picture.
Point = int | str | ArrayLike | PictureFile
# What a multipart form holds: a name, and a file's name with its content, or a text without a name.
Part = tuple[str, tuple[str | None, bytes]]

FILES = (bytes, os.PathLike, Image.Image)
PIXEL_DIMENSIONS = 2
CHANNELS = 3


def to_rows(z: ArrayLike) -> Floats:
    """Gives vectors as the service takes them.

    Args:
        z: `(latent_dim,)` or `(n, latent_dim)`.

    Returns:
        `(n, latent_dim)` float32.
    """
    return np.atleast_2d(np.asarray(z, np.float32))


def to_npy(array: NDArray[Any]) -> bytes:
    """Gives an array as NumPy's file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def to_json(fields: dict[str, Any]) -> bytes:
    """Gives a JSON object; fields that are None are left out."""
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def to_pixels(array: NDArray[Any]) -> list[Any]:
    """Gives pixels as numbers in [0, 1]; of uint8, each divided by 255."""
    scaled = array / np.float32(255) if array.dtype == np.uint8 else array
    pixels: list[Any] = scaled.tolist()
    return pixels


def to_file(picture: PictureFile) -> bytes:
    """Gives a picture's file.

    Raises:
        OSError: The path cannot be read.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, os.PathLike):
        return pathlib.Path(picture).read_bytes()
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def to_parts(pictures: PictureFile | Sequence[PictureFile]) -> tuple[Part, ...]:
    """Gives the parts of a form with pictures."""
    several = [pictures] if isinstance(pictures, FILES) else pictures
    return tuple(("file", ("picture", to_file(picture))) for picture in several)


def count(pictures: Pictures) -> int | None:
    """Count pictures; None of an array that is one of colour or several grey ones, as the model has it."""
    if isinstance(pictures, FILES):
        return 1
    if not isinstance(pictures, np.ndarray):
        return len(pictures)
    if pictures.ndim <= PIXEL_DIMENSIONS:
        return 1
    may_be_colour = pictures.ndim == PIXEL_DIMENSIONS + 1 and pictures.shape[-1] == CHANNELS
    return None if may_be_colour else len(pictures)


def is_file(point: Point) -> bool:
    """Whether a point is a picture in a file."""
    return isinstance(point, FILES)


def to_text(point: Point) -> str:
    """Gives a point as URLs and forms have it.

    Raises:
        ValueError: A picture as an array, which has no such text.
    """
    if isinstance(point, str):
        return point
    if isinstance(point, int | np.integer) and not isinstance(point, bool):
        return f"digit:{point}"
    vector = np.asarray(point)
    if vector.ndim >= PIXEL_DIMENSIONS:
        raise ValueError(
            f"expected a class, a vector or a picture's file, received an array of shape {vector.shape}"
        )
    return join(vector)


def join(vector: NDArray[Any]) -> str:
    """Gives a vector as URLs have it, such as `0.5,-1.0`: the shortest text of each number."""
    return ",".join(map(str, vector.ravel()))


def to_end(point: Point, label: int | None) -> dict[str, Any]:
    """Gives a point as JSON bodies have it.

    Args:
        point: The point.
        label: Beside a vector or a picture, for a label-conditioned model.

    Returns:
        With one of `z`, `digit` and `pixels`.

    Raises:
        ValueError: A file, which JSON does not hold, or a text of no numbers.
    """
    if is_file(point):
        raise ValueError("expected both pictures as arrays, or both as files, received one of each")
    beside = {} if label is None else {"label": label}
    if isinstance(point, str):
        kind, _, digit = point.partition(":")
        if kind == "digit" and digit.isdecimal():
            return {"digit": int(digit), **beside}
        return {"z": [float(number) for number in point.split(",")], **beside}
    if isinstance(point, int | np.integer):
        return {"digit": int(point), **beside}
    array = np.asarray(point)
    if array.ndim >= PIXEL_DIMENSIONS:
        return {"pixels": to_pixels(array), **beside}
    return {"z": array.astype(np.float64).tolist(), **beside}
