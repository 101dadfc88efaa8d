"""Turn arguments (vectors, points, pictures) into what a request holds.

Only what would be lost in the conversion is checked here; the service checks all else.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, TypeGuard
from urllib.parse import quote

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.client.picture_files import PictureFile, is_file, is_point

Floats = NDArray[np.float32]
# A class's label, a vector, a text such as "digit:3" or "0.5,-1.0", or one picture.
Point = int | str | ArrayLike | PictureFile
# A part of a multipart form: its name, and a file name with the content; the file name of a text is None.
Part = tuple[str, tuple[str | None, bytes]]

PIXEL_DIMENSIONS = 2
# NumPy's kinds of arrays: integers, with and without a sign, and floats.
NUMBERS = "iuf"
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


def to_parts(files: Sequence[bytes]) -> tuple[Part, ...]:
    """Return the form parts of pictures' files."""
    return tuple(("file", ("picture", content)) for content in files)


def count_pictures(pictures: NDArray[Any] | list[bytes]) -> int | None:
    """Return the number of pictures; None for an array that may be one in colour or several in grey."""
    if not isinstance(pictures, np.ndarray):
        return len(pictures)
    if pictures.ndim <= PIXEL_DIMENSIONS:
        return 1
    may_be_colour = pictures.ndim == PIXEL_DIMENSIONS + 1 and pictures.shape[-1] == CHANNELS
    return None if may_be_colour else len(pictures)


def is_picture_file(point: Point) -> TypeGuard[PictureFile]:
    """Return whether a point is a picture as a file; a text is one if it is a path."""
    return not is_point(point) if isinstance(point, str) else is_file(point)


def to_text(point: Point) -> str:
    """Return a point as text for URLs and forms.

    Raises:
        ValueError: The point is a picture as an array, which has no such text.
        TypeError: It is nothing of the kind.
    """
    if isinstance(point, str):
        return point
    if isinstance(point, int | np.integer) and not isinstance(point, bool):
        return f"digit:{point}"
    vector = np.asarray(point)
    if vector.dtype.kind not in NUMBERS:
        raise TypeError(f"expected a class, a vector or a picture's file, received {type(point).__name__}")
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
    if is_picture_file(point):
        raise ValueError(
            "expected all pictures as arrays, or those of both ends as files, received some of each"
        )
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
