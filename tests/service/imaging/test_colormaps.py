from __future__ import annotations

import pathlib
from typing import get_args

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from scripts.colormaps import write_module
from service.core.choices import Colormap
from service.imaging import colormap_tables
from service.imaging.colormap_tables import TABLES
from service.imaging.colormaps import colour

LEVELS = np.arange(256, dtype=np.uint8)[:, np.newaxis]
NAMES: list[Colormap] = ["viridis", "magma", "inferno", "coolwarm"]


def test_every_colormap_but_grey_has_a_table() -> None:
    assert [*get_args(Colormap)] == ["grey", *TABLES] == ["grey", *NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_all_levels_have_the_colours_of_matplotlib(name: Colormap) -> None:
    expected = [to_hex(matplotlib.colormaps[name](level)) for level in range(256)]
    assert ["#" + bytes(row).hex() for row in colour(LEVELS, name)] == expected


def test_the_tables_are_as_the_script_writes_them() -> None:
    assert pathlib.Path(colormap_tables.__file__).read_text() == write_module()


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
