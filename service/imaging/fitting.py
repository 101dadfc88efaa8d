"""Scale pictures into the size that a model was trained on, and place them there. Pure functions."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from PIL import Image

from service.core.arrays import Floats
from service.imaging.preprocess import find_border, find_median


def scale_into(x: Floats, height: int, width: int) -> Floats:
    """Scale a picture to the largest size within a box, keeping its proportions.

    Args:
        x: `(h, w, channels)` float32 in [0, 1].
        height: Of the box.
        width: Of the box.

    Returns:
        Float32 in [0, 1], as high or as wide as the box.
    """
    ratio = min(height / x.shape[0], width / x.shape[1])
    size = max(1, round(x.shape[1] * ratio)), max(1, round(x.shape[0] * ratio))
    planes = [
        # A mode "F" picture keeps float precision while it is resampled, one channel at a time.
        np.asarray(Image.fromarray(np.ascontiguousarray(x[..., c])).resize(size, Image.Resampling.LANCZOS))
        for c in range(x.shape[2])
    ]
    scaled: Floats = np.clip(np.stack(planes, axis=2), 0, 1).astype(np.float32)
    return scaled


def fit_whole(x: Floats, height: int, width: int) -> Floats:
    """Scale a whole picture into the middle of a canvas of its border's colour, keeping its proportions.

    `training.data.picture.place` does the same with the pictures of a data set.

    Args:
        x: `(h, w, channels)` float32 in [0, 1].
        height: Of the result.
        width: Of the result.

    Returns:
        `(height, width, channels)` float32 in [0, 1].
    """
    scaled = scale_into(x, height, width)
    h, w, _ = scaled.shape
    ground = [find_median(values) for values in find_border(x).T]
    return _paste(scaled, height, width, (height - h) // 2, (width - w) // 2, ground)


def fit_figure(figure: Floats, height: int, width: int, box: int) -> Floats:
    """Fit a figure as MNIST's makers did (LeCun et al. 1998, section III.A).

    It is scaled into a square box, and its centre of mass put in the middle.

    Args:
        figure: `(h, w, channels)` float32 in [0, 1], 0 the background, without margins.
        height: Of the result.
        width: Of the result.
        box: Longest side of the scaled figure, which stays within the picture.

    Returns:
        `(height, width, channels)` float32 in [0, 1].
    """
    return centre(scale_into(figure, min(box, height), min(box, width)), height, width)


def find_middle(x: Floats) -> tuple[float, float]:
    """Return the row and column of the centre of mass of `(height, width, channels)`."""
    # One channel needs no sum.
    mass = x[..., 0] if x.shape[2] == 1 else x.sum(axis=2)
    down, across = mass.sum(axis=1).astype(np.float64), mass.sum(axis=0).astype(np.float64)
    total = float(mass.sum())
    return float(down @ _numbers(len(down))) / total, float(across @ _numbers(len(across))) / total


@functools.lru_cache(64)
def _numbers(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.arange(count, dtype=np.float64)


def centre(figure: Floats, height: int, width: int) -> Floats:
    """Put the centre of mass of a figure in the middle of a canvas of 0, as far as it fits."""
    h, w, _ = figure.shape
    row, column = find_middle(figure)
    # In MNIST the mean lies on row and column 14 of 0 to 27, measured over its 60,000 training images.
    top = min(max(round(height / 2 - row), 0), height - h)
    left = min(max(round(width / 2 - column), 0), width - w)
    return _paste(figure, height, width, top, left)


def _paste(
    x: Floats, height: int, width: int, top: int, left: int, ground: float | Sequence[float] = 0.0
) -> Floats:
    h, w, channels = x.shape
    canvas = np.full((height, width, channels), ground, np.float32)
    canvas[top : top + h, left : left + w] = x
    return canvas
