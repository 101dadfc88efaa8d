"""Measure for the manifest what images are like: polarity, and how their figures were placed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.datasets import Images


def describe_image(x: Images) -> dict[str, Any]:
    """Return the manifest's `image` from the training images.

    Args:
        x: `(n, height, width, channels)` uint8.

    Returns:
        Shape, range, polarity (from the mean of the border) and fit: "centre-of-mass" if 99 of 100 grey
        images have their centre of mass within a pixel of the middle, with the longest side of the ink
        that half of them reach as the box, unless that is longer than an image's shorter side: "contain".
    """
    _, height, width, channels = x.shape
    border = np.concatenate([x[:, 0], x[:, -1]]).mean(), np.concatenate([x[:, :, 0], x[:, :, -1]]).mean()
    light = float(np.mean(border)) < 127.5
    box = _ink_box(x[..., 0] if light else 255 - x[..., 0]) if channels == 1 else None
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "range": [0.0, 1.0],
        "polarity": "light-on-dark" if light else "dark-on-light",
        "fit": {"method": "contain"} if box is None else {"method": "centre-of-mass", "box": box},
    }


def _ink_box(ink: NDArray[np.uint8]) -> int | None:
    _, height, width = ink.shape
    rows, columns = (ink.sum(axis=axis, dtype=np.float64) for axis in (2, 1))
    total = np.maximum(rows.sum(axis=1), 1)
    off = np.maximum(
        np.abs(rows @ np.arange(height) / total - height / 2),
        np.abs(columns @ np.arange(width) / total - width / 2),
    )
    if np.quantile(off, 0.99) > 1:
        return None
    sides = [_extent(rows > 0), _extent(columns > 0)]
    box = int(np.median(np.maximum(*sides)))
    # As the contract has it: the box must find room whichever side of a figure is the longer one.
    return box if box <= min(height, width) else None


def _extent(used: NDArray[np.bool_]) -> NDArray[np.int64]:
    extent: NDArray[np.int64] = used.shape[1] - used.argmax(axis=1) - used[:, ::-1].argmax(axis=1)
    return extent
