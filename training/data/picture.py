"""Read one picture from a file, and bring it to a size."""

from __future__ import annotations

import pathlib
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from training.data.idx import DataError

Bytes = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
# What a camera's mark asks for (Exif 2.32, tag Orientation), by its number; 1 asks for nothing.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_file(path: pathlib.Path) -> Bytes:
    """Return `(height, width, 1)` uint8 of a grey picture, `(height, width, 3)` of another.

    Raises:
        DataError: It is no picture, or not a whole one.
    """
    return read_picture(path, str(path))


def read_picture(source: pathlib.Path | IO[bytes], name: str) -> Bytes:
    """Return `(height, width, 1)` uint8 of a grey picture, `(height, width, 3)` of another.

    Args:
        source: The file.
        name: What messages call it.

    Raises:
        DataError: It is no picture, or not a whole one.
    """
    try:
        with Image.open(source, formats=FORMATS) as image:
            pixels = _to_bytes(_turn(image))
    except UnidentifiedImageError as error:
        raise DataError(f"{name}: expected a PNG, JPEG, WebP or BMP file, received something else") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        # Pillow raises these for damaged files, with no common base of its own.
        raise DataError(f"{name}: expected a whole PNG, JPEG, WebP or BMP file: {error}") from error
    grey = pixels[..., :1]
    return grey.copy() if (pixels == grey).all() else pixels


def place(picture: Bytes, height: int, width: int) -> Bytes:
    """Bring a picture to a size as the service does an upload that is scaled whole (`fit_whole`).

    That is the largest that fits, in the middle, on the median colour of its border.

    Args:
        picture: `(h, w, 1 or 3)` uint8.
        height: In pixels.
        width: In pixels.

    Returns:
        `(height, width, 1 or 3)` uint8; the picture itself where it has this size.
    """
    if picture.shape[:2] == (height, width):
        return picture
    h, w, channels = picture.shape
    ratio = min(height / h, width / w)
    size = max(1, round(w * ratio)), max(1, round(h * ratio))
    image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
    scaled = np.asarray(image.resize(size, Image.Resampling.LANCZOS)).reshape(size[1], size[0], channels)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    placed = np.full((height, width, channels), np.rint(np.median(border, axis=0)), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    placed[top : top + size[1], left : left + size[0]] = scaled
    return placed


def bring(picture: Bytes, size: tuple[int, int], name: str, first: str | None) -> Bytes:
    """Bring a picture to a size, or require it.

    Args:
        picture: `(h, w, 1 or 3)` uint8.
        size: Height and width in pixels.
        name: What messages call the picture.
        first: What messages call the one whose size it has to have; None: it is brought to it.

    Returns:
        `(height, width, 1 or 3)` uint8.

    Raises:
        DataError: It has another size than the first.
    """
    height, width = size
    if first is None:
        return place(picture, height, width)
    if picture.shape[:2] != size:
        h, w = picture.shape[:2]
        raise DataError(
            f"{name}: expected {width} x {height} pixels as {first}, received {w} x {h}; "
            f"--size {width}x{height} brings all to one"
        )
    return picture


def _turn(image: Image.Image) -> Image.Image:
    # Pillow's own function writes the other marks anew as well, and fails on those that make no sense.
    turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _to_bytes(image: Image.Image) -> Bytes:
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = np.rint(np.asarray(image, np.float64) * (255 / 65535))
        return np.clip(grey, 0, 255).astype(np.uint8)[..., np.newaxis]
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))
