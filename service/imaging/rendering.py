"""Draw pictures: sheets and frames, their scale, padding and colours. Pure functions.

Each picture is inverted, scaled by itself, put into the sheet or frame, and then coloured: no picture bleeds
into its neighbour, and a frame does not depend on other frames.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from PIL import Image

from service.core.arrays import Bytes
from service.core.choices import Colormap, Resample
from service.core.errors import InvalidValueError
from service.imaging.colormaps import colour


@dataclasses.dataclass(frozen=True)
class Look:
    """How pictures are drawn.

    Attributes:
        scale: The side of each pixel once drawn, at least 1.
        resample: "nearest" draws each pixel as a square, "smooth" interpolates by cubics.
        invert: Whether to exchange dark and light.
        padding: Pixels of background around each picture, before scaling; at least 0.
        columns: Pictures in a row of a sheet; None: about as many as rows.
        colormap: The colours for the levels of grey pictures.
    """

    scale: int = 1
    resample: Resample = "nearest"
    invert: bool = False
    padding: int = 0
    columns: int | None = None
    colormap: Colormap = "grey"


def check_colormap(look: Look, channels: int) -> None:
    """Raise `InvalidValueError` for a colormap other than "grey" on pictures in colour."""
    if channels != 1 and look.colormap != "grey":
        raise InvalidValueError("colormap", "'grey' for a model of colour pictures", look.colormap)


def measure_sheet(n: int, height: int, width: int, look: Look) -> tuple[int, int]:
    """Return the height and width of a sheet, in pixels, without drawing it.

    Args:
        n: How many pictures, at least 1.
        height: Of one picture.
        width: Of one picture.
        look: How they are drawn.
    """
    rows, columns = _grid(n, look.columns)
    return _extent(rows, height, look), _extent(columns, width, look)


def measure_frame(height: int, width: int, look: Look) -> tuple[int, int]:
    """Return the height and width of a frame, in pixels, without drawing it."""
    return _extent(1, height, look), _extent(1, width, look)


def split_scale(look: Look) -> tuple[Look, int]:
    """Separate the scale from a look, for writers that repeat pixels themselves, such as `write_png`.

    Returns:
        The look to draw with, and the scale for the writer. Smooth scaling stays in the look.
    """
    if look.resample == "smooth" or look.scale == 1:
        return look, 1
    return _unscaled(look), look.scale


@functools.lru_cache(256)
def _unscaled(look: Look) -> Look:
    return dataclasses.replace(look, scale=1)


def draw_sheet(images: Bytes, look: Look) -> Bytes:
    """Draw pictures side by side, row by row.

    Args:
        images: `(n, height, width, channels)` uint8 with 1 or 3 channels; n is at least 1.
        look: How they are drawn.

    Returns:
        `(*measure_sheet(...), channels)` uint8, with 3 channels if there is a colormap. The rest of the last
        row is background: level 0, or 255 if inverted, in the colour of the colormap.

    Raises:
        InvalidValueError: A colormap for pictures in colour.
    """
    check_colormap(look, images.shape[-1])
    drawn, factor = split_scale(look)
    rows, columns = _grid(len(images), look.columns)
    prepared = _prepare(images, drawn)
    alone = rows == columns == 1 and look.padding == 0
    sheet = prepared[0] if alone else _arrange(prepared, rows, columns, drawn)
    return _repeat(colour(sheet, look.colormap), factor)


def draw_lines(images: Bytes, look: Look) -> Bytes:
    """Draw a sheet, neither scaled nor coloured, with each row behind a 0, as a PNG file has it.

    Args:
        images: As `draw_sheet` takes them.
        look: How they are drawn; its scale is 1 and its colormap "grey".

    Returns:
        `(height, 1 + width * channels)` uint8, contiguous.
    """
    n, height, width, channels = images.shape
    down, across = measure_sheet(n, height, width, look)
    lines = np.zeros((down, 1 + across * channels), np.uint8)
    rows = lines[:, 1:]
    if look.invert:
        images, rows[...] = 255 - images, 255
    _put_down(images, rows, look)
    return lines


def draw_frames(images: Bytes, look: Look) -> Bytes:
    """Draw each picture by itself: frames of a slice of the pictures are that slice of the frames.

    Args:
        images: `(n, height, width, channels)` uint8 with 1 or 3 channels.
        look: How they are drawn; `columns` is ignored.

    Returns:
        `(n, *measure_frame(...), channels)` uint8, with 3 channels if there is a colormap.

    Raises:
        InvalidValueError: A colormap for pictures in colour.
    """
    check_colormap(look, images.shape[-1])
    drawn, factor = split_scale(look)
    frames, gap = _prepare(images, drawn), drawn.padding * drawn.scale
    if gap:
        sides = ((0, 0), (gap, gap), (gap, gap), (0, 0))
        frames = np.pad(frames, sides, constant_values=_background(look))
    return _repeat(colour(frames, look.colormap), factor)


def _grid(n: int, columns: int | None) -> tuple[int, int]:
    columns = columns or math.ceil(math.sqrt(n))
    return math.ceil(n / columns), columns


def _extent(count: int, side: int, look: Look) -> int:
    return (count * (side + look.padding) + look.padding) * look.scale


def _background(look: Look) -> int:
    return 255 if look.invert else 0


def _prepare(images: Bytes, look: Look) -> Bytes:
    if look.invert:
        images = 255 - images
    return images if look.scale == 1 else _smooth(images, look.scale)


def _smooth(images: Bytes, scale: int) -> Bytes:
    n, height, width, channels = images.shape
    scaled = np.empty((n, height * scale, width * scale, channels), np.uint8)
    for source, target in zip(images, scaled, strict=True):
        image = Image.fromarray(np.ascontiguousarray(source[..., 0] if channels == 1 else source))
        # Pillow resamples bytes in integers, so the result is the same on any processor.
        image = image.resize((width * scale, height * scale), Image.Resampling.BICUBIC)
        target[...] = np.asarray(image).reshape(target.shape)
    return scaled


def _arrange(images: Bytes, rows: int, columns: int, look: Look) -> Bytes:
    _, height, width, channels = images.shape
    gap = look.padding * look.scale
    sides = rows * (height + gap) + gap, columns * (width + gap) + gap
    sheet = np.full((*sides, channels), _background(look), np.uint8)
    _put_down(images, sheet.reshape(sides[0], -1), look)
    return sheet


def _put_down(images: Bytes, sheet: Bytes, look: Look) -> None:
    """Put pictures into a sheet of `(height, width * channels)`."""
    n, height, width, channels = images.shape
    rows, columns = _grid(n, look.columns)
    gap, samples = look.padding * look.scale, width * channels
    across = samples + gap * channels
    cells = sheet[gap:, gap * channels :].reshape(rows, height + gap, columns, across, copy=False)
    places = cells[:, :height, :, :samples].transpose(0, 2, 1, 3)
    whole, rest = divmod(n, columns)
    places[:whole] = images[: whole * columns].reshape(whole, columns, height, samples)
    if rest:
        places[whole, :rest] = images[-rest:].reshape(rest, height, samples)


def _repeat(pixels: Bytes, factor: int) -> Bytes:
    return pixels if factor == 1 else pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)
