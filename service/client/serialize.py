"""Turn arguments (vectors, points, pictures) into what a request holds.

Only what would be lost in the conversion is checked here; the service checks all else.
"""

from __future__ import annotations

import io
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

Floats = NDArray[np.float32]
# A picture as a file: PNG or JPEG bytes, a path, or a Pillow image, which is sent as PNG.
PictureFile = bytes | os.PathLike[str] | Image.Image
# Arrays are not converted: float in [0, 1], or uint8, one picture or several.
Pictures = NDArray[Any] | PictureFile | Sequence[PictureFile]
# A class's label, a vector, a text such as "digit:3" or "0.5,-1.0", or one picture.
Point = int | str | ArrayLike | PictureFile
# A part of a multipart form: its name, and a file name with the content; the file name of a text is None.
Part = tuple[str, tuple[str | None, bytes]]

FILES = (bytes, os.PathLike, Image.Image)
PIXEL_DIMENSIONS = 2
CHANNELS = 3


def to_rows(z: ArrayLike) -> Floats:
    """Return vectors as float32 rows.

    Args:
        z: `(latent_dim,)` or `(n, latent_dim)`.

    Returns:
        `(n, latent_dim)` float32.
    """
    return np.atleast_2d(np.asarray(z, np.float32))


def to_npy(array: NDArray[Any]) -> bytes:
    """Return an array as an .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def to_json(fields: dict[str, Any]) -> bytes:
    """Return a JSON object without the fields that are None."""
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def to_pixels(array: NDArray[Any]) -> list[Any]:
    """Return pixels as nested lists of numbers in [0, 1]; uint8 is divided by 255."""
    scaled = array / np.float32(255) if array.dtype == np.uint8 else array
    pixels: list[Any] = scaled.tolist()
    return pixels


def to_file(picture: PictureFile) -> bytes:
    """Return the bytes of a picture's file.

    Raises:
        OSError: The file cannot be read.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, os.PathLike):
        return pathlib.Path(picture).read_bytes()
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def to_parts(pictures: PictureFile | Sequence[PictureFile]) -> tuple[Part, ...]:
    """Return the form parts of pictures."""
    several = [pictures] if isinstance(pictures, FILES) else pictures
    return tuple(("file", ("picture", to_file(picture))) for picture in several)


def count_pictures(pictures: Pictures) -> int | None:
    """Return the number of pictures; None for an array that may be one in colour or several in grey."""
    if isinstance(pictures, FILES):
        return 1
    if not isinstance(pictures, np.ndarray):
        return len(pictures)
    if pictures.ndim <= PIXEL_DIMENSIONS:
        return 1
    may_be_colour = pictures.ndim == PIXEL_DIMENSIONS + 1 and pictures.shape[-1] == CHANNELS
    return None if may_be_colour else len(pictures)


def is_file(point: Point) -> bool:
    """Return whether a point is a picture as a file."""
    return isinstance(point, FILES)


def to_text(point: Point) -> str:
    """Return a point as text for URLs and forms.

    Raises:
        ValueError: The point is a picture as an array, which has no such text.
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
    """Return a vector as text for URLs, such as `0.5,-1.0`; each number in its shortest form."""
    return ",".join(map(str, vector.ravel()))


def to_label(label: int | str | np.integer[Any]) -> int | str:
    """Return a label as a plain integer, and the name of a class as it is."""
    return label if isinstance(label, str) else int(label)


def to_segment(digit: int | str) -> str:
    """Return a class as a segment of a path."""
    return quote(str(digit), safe="")


def to_end(point: Point, label: int | str | None) -> dict[str, Any]:
    """Return a point as a field of a JSON body.

    Args:
        point: A label, a vector, a text, or an array of pixels.
        label: Of a vector or a picture, for a label-conditioned model.

    Returns:
        An object with `z`, `digit` or `pixels`.

    Raises:
        ValueError: The point is a file, which JSON cannot hold, or a text without numbers.
    """
    if is_file(point):
        raise ValueError("expected both pictures as arrays, or both as files, received one of each")
    labelled = {} if label is None else {"label": label}
    if isinstance(point, str):
        kind, _, digit = point.partition(":")
        if kind == "digit":
            return {"digit": int(digit) if digit.isdecimal() else digit, **labelled}
        return {"z": [float(number) for number in point.split(",")], **labelled}
    if isinstance(point, int | np.integer):
        return {"digit": int(point), **labelled}
    array = np.asarray(point)
    if array.ndim >= PIXEL_DIMENSIONS:
        return {"pixels": to_pixels(array), **labelled}
    return {"z": array.astype(np.float64).tolist(), **labelled}
