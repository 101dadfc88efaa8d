from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.cli.terminal.sixel import write_sixel


def read(content: bytes) -> Any:
    """Reads sixels as DEC's manual of the VT330 says, chapter 14."""
    match = re.fullmatch(rb'\x1bPq"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)*)(.*)\x1b\\\n', content)
    assert match
    width, height = int(match[1]), int(match[2])
    colours = {
        int(number): [int(part) for part in parts.split(b";")]
        for number, parts in re.findall(rb"#(\d+);2;([\d;]+)", match[3])
    }
    canvas = np.full((height + 5, width, 3), -1.0)
    for band, text in enumerate(match[4].split(b"-")):
        for line in text.split(b"$"):
            number, runs = re.match(rb"#(\d+)(.*)", line).groups()  # type: ignore[union-attr]
            sixels = "".join(c.decode() * int(n or 1) for n, c in re.findall(rb"(?:!(\d+))?([?-~])", runs))
            assert len(sixels) == width
            for x, character in enumerate(sixels):
                for bit in range(6):
                    if ord(character) - 63 >> bit & 1:
                        assert (canvas[6 * band + bit, x] == -1).all(), "a pixel is drawn twice"
                        canvas[6 * band + bit, x] = colours[int(number)]
    return canvas[:height]


@pytest.mark.parametrize("height", [1, 6, 13])
def test_grey_pixels_stay(height: int) -> None:
    levels = np.random.RandomState(0).choice(np.arange(0, 256, 17, dtype=np.uint8), (height, 20))
    levels[0, :9] = 0
    found = read(write_sixel(Image.fromarray(levels)))
    np.testing.assert_allclose(found, (levels / 255 * 100)[..., None].repeat(3, axis=2), atol=0.51)


def test_colours_stay() -> None:
    pixels = np.random.RandomState(0).choice(np.array([0, 128, 255], np.uint8), (7, 9, 3))
    found = read(write_sixel(Image.fromarray(pixels)))
    np.testing.assert_allclose(found, pixels / 255 * 100, atol=0.51)


def test_runs_are_counted_where_that_is_shorter() -> None:
    levels = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), [3, 4, 3, 30], axis=1)
    found = write_sixel(Image.fromarray(levels)).partition(b"-")[0]
    assert b"@@@!4?@@@!30?" in found
    assert b"???!4@???!30@" in found
