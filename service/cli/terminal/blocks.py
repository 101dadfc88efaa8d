"""Write pictures as text: half blocks in colour, or shades where there are no colours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.cli.terminal.detection import Colours

# Its upper half has the text's colour, its lower half the background's.
HALF = "▀"
SHADES = " ░▒▓█"
RESET = "\x1b[0m"
# Of xterm's 256 colours: six levels of each of red, green and blue from number 16, and 24 greys from 232.
LEVELS = np.array([0, 95, 135, 175, 215, 255])
CUBE, GREYS, GREY_COUNT, GREY_START, GREY_STEP = 16, 232, 24, 8, 10

Pixel = tuple[int, ...]


def write_blocks(image: Image.Image, columns: int, colours: Colours) -> bytes:
    """Return lines of text that show a picture, a character for two pixels, one above the other.

    Args:
        image: Grey or in colour; a wider one is scaled down.
        columns: Most characters of a line.
        colours: What the terminal has.
    """
    width, height = image.size
    if width > columns:
        size = columns, max(1, round(height * columns / width))
        image = image.convert("RGB").resize(size, Image.Resampling.BOX)
    pixels = np.asarray(image.convert("RGB"))
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, pixels[-1:]])
    pairs = zip(pixels[::2], pixels[1::2], strict=True)
    lines = (_shade(*pair) if colours == "none" else "".join(_colour(*pair, colours)) for pair in pairs)
    return "".join(f"{line}\n" for line in lines).encode()


def _shade(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> str:
    light = np.stack([upper, lower]).mean(axis=(0, 2)) / 255
    return "".join(SHADES[i] for i in np.rint(light * (len(SHADES) - 1)).astype(int))


def _colour(upper: NDArray[np.uint8], lower: NDArray[np.uint8], colours: Colours) -> Iterator[str]:
    last: tuple[str, str] | None = None
    for pair in zip(upper.tolist(), lower.tolist(), strict=True):
        above, below = (_name(tuple(pixel), colours) for pixel in pair)
        if (above, below) != last:
            last = above, below
            yield f"\x1b[38;{above};48;{below}m"
        yield HALF
    yield RESET


def _name(pixel: Pixel, colours: Colours) -> str:
    if colours == "all":
        return "2;" + ";".join(map(str, pixel))
    return f"5;{_find_grey(pixel[0]) if len(set(pixel)) == 1 else _find_colour(pixel)}"


def _find_grey(level: int) -> int:
    step = round((level - GREY_START) / GREY_STEP)
    if 0 <= step < GREY_COUNT:
        return GREYS + step
    return CUBE if step < 0 else CUBE + len(LEVELS) ** 3 - 1


def _find_colour(pixel: Pixel) -> int:
    red, green, blue = (int(np.abs(LEVELS - level).argmin()) for level in pixel)
    return CUBE + 36 * red + 6 * green + blue
