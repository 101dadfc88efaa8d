"""Owns colormaps: a colour for each level of grey. Pure functions.

A table of 256 colours is interpolated between 18 anchors, 15 levels apart. The anchors of viridis, magma and
inferno are those of their makers (Smith and van der Walt 2015, given to the public domain under CC0), those
of coolwarm are those of Moreland, "Diverging color maps for scientific visualization" (2009). In between a
channel is at most 7 of 255 away from theirs.
"""

from __future__ import annotations

import functools

import numpy as np

from service.core.arrays import Bytes
from service.core.choices import Colormap

# Levels 0, 15, ..., 255 as red, green and blue, in hexadecimal.
ANCHORS = {
    "viridis": "440154 481769 472a7a 433d84 3d4e8a 355e8d 2e6d8e 297b8e 23898e "
    "1f978b 21a585 2eb37c 46c06f 65cb5e 89d548 b0dd2f d8e219 fde725",
    "magma": "000004 090720 1a1042 311165 4a1079 621980 792282 912b81 aa337d "
    "c23b75 d9466b ec5860 f7725c fc8e64 feaa74 fec68a fde2a3 fcfdbf",
    "inferno": "000004 0a0722 1e0c45 380962 510e6c 69166e 801f6c 982766 b0315b "
    "c63d4d d94d3d e9612b f47918 fa9407 fcb014 f8cd37 f2ea69 fcffa4",
    "coolwarm": "3b4cc0 4c66d6 5f7fe8 7396f5 88abfd 9dbdff b1cbfc c4d5f3 d5dbe5 "
    "e4d9d2 f0cdbb f6bea4 f7aa8c f39475 e97a5f dc5d4a ca3b37 b40426",
}


def colour(pixels: Bytes, name: Colormap) -> Bytes:
    """Gives each level of grey its colour.

    Args:
        pixels: `(..., 1)` uint8.
        name: Of the colormap; "grey" leaves the pixels as they are, whatever their channels.

    Returns:
        `(..., 3)` uint8; for "grey" the pixels themselves.
    """
    return pixels if name == "grey" else _table(name).take(pixels[..., 0], axis=0)


@functools.cache
def _table(name: str) -> Bytes:
    anchors = np.array([list(bytes.fromhex(anchor)) for anchor in ANCHORS[name].split()])
    places = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), places, channel) for channel in anchors.T]
    table: Bytes = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return table
