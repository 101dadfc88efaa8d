from __future__ import annotations

from typing import get_args

import matplotlib
import numpy as np
import pytest

from service.core.choices import Colormap
from service.imaging.colormaps import ANCHORS, colour

LEVELS = np.arange(256, dtype=np.uint8)[:, np.newaxis]
NAMES: list[Colormap] = ["viridis", "magma", "inferno", "coolwarm"]


def test_every_colormap_but_grey_has_anchors() -> None:
    assert [*get_args(Colormap)] == ["grey", *ANCHORS] == ["grey", *NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_colours_are_those_of_matplotlib_to_7_levels(name: Colormap) -> None:
    expected = matplotlib.colormaps[name](LEVELS[:, 0])[:, :3] * 255
    difference = np.abs(colour(LEVELS, name) - expected)
    assert difference.max() < 7.5
    assert difference.mean() < 1


@pytest.mark.parametrize("shape", [(1,), (5, 1), (2, 3, 4, 1)])
def test_each_level_has_its_own_colour_at_its_place(shape: tuple[int, ...]) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
    found = colour(pixels, "magma")
    assert found.shape == (*shape[:-1], 3)
    assert found.dtype == np.uint8
    for place in np.ndindex(shape[:-1]):
        np.testing.assert_array_equal(found[place], colour(LEVELS, "magma")[pixels[place][0]])


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_leaves_pixels_as_they_are(channels: int) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (2, 3, channels), np.uint8)
    np.testing.assert_array_equal(colour(pixels, "grey"), pixels)
