from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.cli.terminal.blocks import write_blocks


def read(text: str) -> Any:
    """The colours of the pixels that a terminal shows, `(height, width, 2 or 1 of numbers)` as texts."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        upper: list[str] = []
        lower: list[str] = []
        for colours, blocks in re.findall(r"\x1b\[(38;[\d;]+)m(▀+)", line):
            above, below = colours.removeprefix("38;").split(";48;")
            upper += [above] * len(blocks)
            lower += [below] * len(blocks)
        assert line.endswith("\x1b[0m")
        rows += [upper, lower]
    return rows


def test_each_pixel_has_its_colour() -> None:
    pixels = np.random.RandomState(0).choice(np.array([0, 99, 255], np.uint8), (4, 5, 3))
    found = read(write_blocks(Image.fromarray(pixels), 80, "all").decode())
    assert found == [["2;" + ";".join(map(str, pixel)) for pixel in row] for row in pixels.tolist()]


@pytest.mark.parametrize(
    ("pixel", "number"),
    [
        ((0, 0, 0), 16),
        ((2, 2, 2), 16),
        ((8, 8, 8), 232),
        ((128, 128, 128), 244),
        ((238, 238, 238), 255),
        ((255, 255, 255), 231),
        ((255, 0, 0), 196),
        ((95, 135, 175), 67),
    ],
)
def test_where_there_are_256_colours_the_nearest_is_taken(pixel: tuple[int, int, int], number: int) -> None:
    text = write_blocks(Image.new("RGB", (2, 2), pixel), 80, "256").decode()
    assert text == f"\x1b[38;5;{number};48;5;{number}m▀▀\x1b[0m\n"


def test_an_odd_height_repeats_the_last_line() -> None:
    levels = np.array([[0], [10], [20]], np.uint8)
    found = read(write_blocks(Image.fromarray(levels), 80, "all").decode())
    assert found == [["2;0;0;0"], ["2;10;10;10"], ["2;20;20;20"], ["2;20;20;20"]]


def test_a_wide_picture_is_scaled_to_the_terminal() -> None:
    found = read(write_blocks(Image.new("L", (400, 200), 7), 80, "all").decode())
    assert (len(found), len(found[0])) == (40, 80)


def test_without_colours_there_are_shades_and_no_escapes() -> None:
    levels = np.array([[0, 64, 128, 191, 255]] * 2, np.uint8)
    assert write_blocks(Image.fromarray(levels), 80, "none").decode() == " ░▒▓█\n"
