"""Colormaps: a colour for each level of grey. Pure functions."""

from __future__ import annotations

import functools

import numpy as np

from service.core.arrays import Bytes
from service.core.choices import Colormap
from service.imaging.colormap_tables import TABLES


def colour(pixels: Bytes, name: Colormap) -> Bytes:
    """Return the colour of each level of grey.

    Args:
        pixels: `(..., 1)` uint8.
        name: "grey" leaves the pixels as they are, whatever their channels.

    Returns:
        `(..., 3)` uint8; for "grey" the pixels themselves.
    """
    return pixels if name == "grey" else _read_table(name).take(pixels[..., 0], axis=0)


@functools.cache
def _read_table(name: str) -> Bytes:
    return np.frombuffer(bytes.fromhex(TABLES[name]), np.uint8).reshape(256, 3)
