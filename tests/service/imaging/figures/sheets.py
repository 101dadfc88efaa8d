"""Sheets with figures on them, and what may lie beside."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from service.core.arrays import Floats

Levels = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
SIZE = (480, 360)
# Left, top, right and bottom of the figure.
BOX = (180, 100, 280, 260)


def draw(
    paper: float = 210, ink: float = 40, width: int = 16, box: tuple[int, int, int, int] = BOX
) -> Levels:
    """Return a sheet with a 4 on it."""
    image = Image.new("F", SIZE, paper)
    pen = ImageDraw.Draw(image)
    left, top, right, bottom = box
    half, middle = width // 2, (top * 2 + bottom * 3) // 5
    pen.line((left + half, top, left + half, middle), fill=ink, width=width)
    pen.line((left, middle, right, middle), fill=ink, width=width)
    pen.line((right - half, top, right - half, bottom), fill=ink, width=width)
    return np.asarray(image, float).copy()


def to_image(levels: Levels) -> Image.Image:
    """Return a sheet as a picture."""
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def noisy(levels: Levels, deviation: float, seed: int = 0) -> Levels:
    """Return a sheet with noise."""
    return levels + np.random.RandomState(seed).normal(0, deviation, levels.shape)


def is_four(cover: Floats) -> bool:
    """Tell whether what was read is the 4, and nothing beside it."""
    ink = cover[..., 0] > 0.5
    rows, columns = (np.flatnonzero(ink.mean(axis=axis) > 0.05) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    h, w = ink.shape
    bar = ink[round(0.55 * h) : round(0.68 * h), :].mean(axis=0)
    return bool(
        0.5 < w / h < 0.76
        and ink[: h // 2, : round(w * 0.12)].mean() > 0.6
        and ink[:, round(w * 0.9) :].mean() > 0.7
        and (bar > 0.3).mean() > 0.9
        and ink[: round(0.45 * h), round(0.25 * w) : round(0.75 * w)].mean() < 0.05
        and ink[round(0.78 * h) :, : round(0.75 * w)].mean() < 0.05
    )
