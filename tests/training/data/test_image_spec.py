from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from training.data.datasets import Images
from training.data.image_spec import describe_image


def centred(sides: list[tuple[int, int]]) -> Images:
    """Filled boxes of some heights and widths, in the middle of 20 x 16 pictures."""
    x = np.zeros((len(sides), 20, 16, 1), np.uint8)
    for image, (height, width) in zip(x, sides, strict=True):
        image[10 - height // 2 : 10 + height // 2, 8 - width // 2 : 8 + width // 2] = 200
    return x


def test_shape_and_range() -> None:
    found = describe_image(np.zeros((2, 6, 8, 3), np.uint8))
    assert {name: found[name] for name in ("height", "width", "channels", "range")} == {
        "height": 6,
        "width": 8,
        "channels": 3,
        "range": [0.0, 1.0],
    }


@pytest.mark.parametrize(
    ("background", "polarity"),
    [(0, "light-on-dark"), (127, "light-on-dark"), (128, "dark-on-light"), (255, "dark-on-light")],
)
def test_the_border_tells_the_polarity(background: int, polarity: str) -> None:
    x = np.full((3, 8, 8, 1), 255 - background, np.uint8)
    x[:, 0] = x[:, -1] = x[:, :, 0] = x[:, :, -1] = background
    assert describe_image(x)["polarity"] == polarity


@pytest.mark.parametrize("paint", [lambda x: x, lambda x: 255 - x])
def test_centred_ink_is_described_by_the_box_of_its_longest_side(paint: Callable[[Images], Images]) -> None:
    x = centred([(12, 8), (4, 12), (12, 12), (6, 4), (12, 10)])
    assert describe_image(paint(x))["fit"] == {"method": "centre-of-mass", "box": 12}


def test_ink_longer_than_the_shorter_side_is_contained() -> None:
    assert describe_image(centred([(18, 6)] * 10))["fit"] == {"method": "contain"}
    assert describe_image(centred([(16, 6)] * 10))["fit"] == {"method": "centre-of-mass", "box": 16}


def test_ink_that_lies_anywhere_is_contained() -> None:
    x = np.roll(centred([(4, 4)] * 10), 3, axis=1)
    assert describe_image(x)["fit"] == {"method": "contain"}


def test_colour_is_contained() -> None:
    x = centred([(4, 4)] * 3).repeat(3, axis=3)
    assert describe_image(x)["fit"] == {"method": "contain"}
