from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from service.bundles.manifest import ImageSpec
from service.core.arrays import Floats
from service.core.errors import InvalidValueError
from service.core.media_types import GIF, PNG, WEBP
from service.imaging.formats.png import join_png, write_png
from service.imaging.pictures import Pictures
from service.imaging.pixels import to_bytes
from service.imaging.rendering import Look, draw_sheet, split_scale
from service.imaging.representation import KEPT, Representation, check_size

LOOKS = [
    Look(scale, resample, invert, padding, columns, colormap)  # type: ignore[arg-type]
    for scale, resample, invert, padding, columns, colormap in itertools.product(
        (1, 2, 5), ("nearest", "smooth"), (False, True), (0, 2), (None, 1, 3), ("grey", "viridis")
    )
]


def sheet(levels: Any, look: Look) -> bytes:
    drawn, scale = split_scale(look)
    return write_png(draw_sheet(levels, drawn), scale)


def plain(image: Floats) -> bytes:
    _, height, width, channels = image.shape
    return join_png(width, height, channels, Pictures(np.zeros((1, 2), np.float32), image).lines)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_plain_picture_has_the_bytes_of_its_sheet(channels: int) -> None:
    image = np.random.RandomState(0).random_sample((1, 9, 7, channels)).astype(np.float32)
    looks = [look for look in LOOKS if Representation(PNG, look).is_plain]
    assert len(looks) == 4  # two columns, and scale 1 of either kind
    for look in looks:
        assert plain(image) == sheet(to_bytes(image), look)


def test_what_is_drawn_otherwise_is_not_plain() -> None:
    image = np.random.RandomState(0).random_sample((1, 9, 7, 1)).astype(np.float32)
    for look in LOOKS:
        if plain(image) != sheet(to_bytes(image), look):
            assert not Representation(PNG, look).is_plain
    assert not Representation(WEBP).is_plain
    assert not Representation(GIF).is_plain


def spec(height: int = 28, width: int = 28, channels: int = 1) -> ImageSpec:
    return ImageSpec.model_validate(
        {
            "height": height,
            "width": width,
            "channels": channels,
            "range": [0.0, 1.0],
            "polarity": "light-on-dark",
        }
    )


def test_what_fitted_once_still_fits_and_nothing_else() -> None:
    wanted = Representation(PNG, Look(scale=2))
    for _ in range(2):
        check_size(wanted, 1, spec(), 56 * 56)
    for n, image, most in ((2, spec(), 56 * 56), (1, spec(29), 56 * 56), (1, spec(), 56 * 56 - 1)):
        with pytest.raises(InvalidValueError, match="scale"):
            check_size(wanted, n, image, most)
    coloured = Representation(PNG, Look(colormap="viridis"))
    check_size(coloured, 1, spec(), 1000)
    with pytest.raises(InvalidValueError, match="colormap"):
        check_size(coloured, 1, spec(channels=3), 1000)


def test_what_did_not_fit_is_refused_again() -> None:
    wanted = Representation(PNG, Look(scale=2))
    for _ in range(2):
        with pytest.raises(InvalidValueError, match="scale"):
            check_size(wanted, 1, spec(), 100)
    assert not wanted.fitting


def test_no_more_sizes_are_kept_than_may_be() -> None:
    wanted = Representation(PNG)
    for n in range(1, KEPT + 10):
        check_size(wanted, n, spec(), 10**8)
    assert len(wanted.fitting) == KEPT


def test_what_is_kept_of_a_representation_is_no_part_of_it() -> None:
    one, other = Representation(PNG), Representation(PNG)
    check_size(one, 1, spec(), 1000)
    assert one.is_plain
    assert one == other
    assert one.digest_text == other.digest_text


def test_every_part_of_a_representation_is_in_its_digest() -> None:
    others = [
        Representation(WEBP),
        Representation(PNG, dtype="uint8"),
        Representation(PNG, sequence=True),
        Representation(PNG, duration_ms=1),
        Representation(PNG, loops=1),
        *(Representation(PNG, look) for look in LOOKS if look != Look()),
    ]
    texts = {wanted.digest_text for wanted in (Representation(PNG), *others)}
    assert len(texts) == len(others) + 1
