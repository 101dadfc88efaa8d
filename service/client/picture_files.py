"""Turn what callers have of pictures into the bytes of files, or into one array."""

from __future__ import annotations

import io
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps


class Readable(Protocol):
    """A file opened in binary mode, such as `io.BytesIO`."""

    def read(self) -> bytes:
        """Return what is left of it."""


# A picture as a file, in any of the formats that the service reads; a Pillow image is sent as PNG.
PictureFile = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | Image.Image
# Arrays are not converted: float in [0, 1], or uint8, one picture or several.
Pictures = NDArray[Any] | PictureFile | Iterable[PictureFile] | Iterable[NDArray[Any]]
TAKEN = "a path, a file's bytes, a file opened in binary mode, a Pillow image, or an array"
BYTES = (bytes, bytearray, memoryview)
# What a text must begin with to be a point in latent space, and no path.
POINT = re.compile(r"digit:|[-+.\d]+[\d.eE+-]*(,|$)")
# The modes that PNG has; others are converted to the mode that holds their colours.
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
LIKE = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA", "F": "L", "I": "I;16"}
WIDE = ("I;16B", "I;16L", "I;16N")


def gather(pictures: Pictures) -> NDArray[Any] | list[bytes]:
    """Return pictures as one array if they are arrays, else as the bytes of files.

    Raises:
        TypeError: They are neither.
        ValueError: They are arrays of different shapes.
        OSError: A file cannot be read.
    """
    if is_array(pictures):
        return np.asarray(pictures)
    if is_file(pictures):
        return [to_file(pictures)]
    if not isinstance(pictures, Iterable) or isinstance(pictures, Mapping):
        raise _refuse(f"{TAKEN}, or a list of these", pictures)
    several: list[Any] = list(pictures)
    if several and all(map(is_array, several)):
        return np.stack([np.asarray(picture) for picture in several])
    return [to_file(picture) for picture in several]


def to_file(picture: PictureFile) -> bytes:
    """Return the bytes of a picture's file.

    Raises:
        TypeError: It is no file.
        OSError: The file cannot be read.
    """
    if isinstance(picture, BYTES):
        return bytes(picture)
    if isinstance(picture, str | os.PathLike):
        return pathlib.Path(picture).read_bytes()
    if isinstance(picture, Image.Image):
        return _write_png(picture)
    if not callable(getattr(picture, "read", None)):
        raise _refuse("files alone, or arrays alone" if is_array(picture) else TAKEN, picture)
    content: Any = picture.read()
    if not isinstance(content, BYTES):
        raise _refuse("a file opened in binary mode, whose content is bytes", content)
    return bytes(content)


def is_file(value: object) -> TypeGuard[PictureFile]:
    """Return whether a value is a picture as a file; a text is taken for a path."""
    return isinstance(value, (str, os.PathLike, Image.Image, *BYTES)) or callable(
        getattr(value, "read", None)
    )


def is_array(value: object) -> TypeGuard[NDArray[Any]]:
    """Return whether a value is an array, of NumPy or of a library that hands its arrays over."""
    if isinstance(value, np.generic | Image.Image):
        return False
    return isinstance(value, np.ndarray) or hasattr(value, "__array__")


def is_point(text: str) -> bool:
    """Return whether a text stands for a point in latent space, such as `digit:3` or `0.5,-1.0`."""
    return POINT.match(text) is not None


def _write_png(picture: Image.Image) -> bytes:
    # PNG would lose the mark that says how a camera was held.
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in WIDE:
        upright = upright.convert("I")
    if upright.mode not in PNG_MODES:
        upright = upright.convert(LIKE.get(upright.mode, "RGB"))
    file = io.BytesIO()
    upright.save(file, "PNG")
    return file.getvalue()


def _refuse(expected: str, received: object) -> TypeError:
    return TypeError(f"expected {expected}, received {type(received).__name__}")
