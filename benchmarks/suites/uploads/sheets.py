"""The parts of scenes: strokes, sheets, ink, and what a camera makes of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[np.float64]
Digit = NDArray[np.uint8]
Colour = tuple[int, int, int]
SIZE = (1000, 750)


def stroke(digit: Digit, size: tuple[int, int], box: tuple[float, float, float], turn: float = 0) -> Array:
    """Return how much of each pixel is ink, in [0, 1].

    Args:
        digit: `(28, 28)` uint8.
        size: Of the picture, width and height.
        box: The middle of the digit's square, and its side, in parts of the width and the height.
        turn: By so many degrees.
    """
    side = round(box[2] * size[1])
    image = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(side / 60)).rotate(turn, Image.Resampling.BICUBIC)
    # A pen has an edge: what was blurred by enlarging is made steep again.
    cover = np.clip((np.asarray(image, float) / 255 - 0.5) * 6 + 0.5, 0, 1)
    sheet = Image.new("F", size)
    sheet.paste(
        Image.fromarray(cover.astype(np.float32)),
        (round(box[0] * size[0] - side / 2), round(box[1] * size[1] - side / 2)),
    )
    return np.asarray(sheet, float)


def soft(rng: np.random.Generator, size: tuple[int, int], cells: int) -> Array:
    """Return clouds: smooth noise of standard deviation about 1, with so many cells across."""
    grid = rng.normal(0, 1, (max(2, cells * size[1] // size[0]), cells)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC), float)


def plain(size: tuple[int, int], colour: Colour) -> Array:
    """Return an even sheet."""
    return np.broadcast_to(np.array(colour, float), (size[1], size[0], 3)).copy()


def ink(sheet: Array, cover: Array, colour: Colour) -> Array:
    """Lay ink on a sheet."""
    return sheet + (np.array(colour, float) - sheet) * cover[..., None]


def finish(sheet: Array, rng: np.random.Generator, noise: float = 3, blur: float = 0.8) -> Image.Image:
    """Return what a camera makes of a scene."""
    image = Image.fromarray(np.clip(sheet, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(blur))
    grain = rng.normal(0, noise, (*np.shape(sheet)[:2], 1)) + rng.normal(0, noise / 2, np.shape(sheet))
    return Image.fromarray(np.clip(np.asarray(image, float) + grain, 0, 255).astype(np.uint8))


def tilt(image: Image.Image, rng: np.random.Generator, amount: float, fill: Colour) -> Image.Image:
    """Look at a sheet from one side: its corners move by up to a part of the sides."""
    w, h = image.size
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], float)
    moved = corners + rng.uniform(-amount, amount, (4, 2)) * (w, h)
    rows, target = [], []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        target += [u, v]
    factors = np.linalg.solve(np.array(rows), np.array(target))
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, factors.tolist(), Image.Resampling.BICUBIC, fillcolor=fill
    )


def somewhere(rng: np.random.Generator, low: float = 0.35, high: float = 0.6) -> tuple[float, float, float]:
    """Return a place for a digit: near the middle, of some size."""
    return 0.5 + rng.uniform(-0.12, 0.12), 0.5 + rng.uniform(-0.1, 0.1), rng.uniform(low, high)


SIZE = (1000, 750)
