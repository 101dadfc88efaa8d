from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from service.core.choices import ImagePolarity
from service.imaging.input_pictures import InputPicture, Target, keep_picture, read_input_pictures
from service.imaging.reading.child import UPLOAD_SIZE
from tests.service.imaging.figures import sheets

DIGITS = Target(28, 28, 1, 20)


@pytest.mark.parametrize("times", [(1, 1), (8, 8), (4, 6)])
def test_the_box_is_in_the_pixels_of_the_upload(times: tuple[int, int]) -> None:
    image = sheets.to_image(sheets.draw())
    image.info[UPLOAD_SIZE] = image.width * times[0], image.height * times[1]
    (picture,) = read_input_pictures(image, DIGITS, None, many=False)
    assert picture.placing == "fitted"
    ink = np.asarray(image) < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    drawn = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    # Sought on a copy of half the size.
    for place, edge, scale in zip(picture.box, drawn, times * 2, strict=True):
        assert abs(place - edge * scale) < 2 * scale


def drawn(rows: tuple[int, int], columns: tuple[int, int], ground: int = 0, ink: int = 255) -> Image.Image:
    """A picture of 28 by 28 with a filled box."""
    pixels = np.full((28, 28), ground, np.uint8)
    pixels[slice(*rows), slice(*columns)] = ink
    return Image.fromarray(pixels)


def keep(image: Image.Image, target: Target = DIGITS) -> InputPicture | None:
    return keep_picture(image, target, None)


@pytest.mark.parametrize(
    ("rows", "columns", "placing"),
    [
        # The mean of the places is 14 or one off it.
        ((7, 22), (7, 22), "kept"), ((8, 23), (7, 22), "kept"), ((6, 21), (7, 22), "kept"),
        ((7, 22), (8, 23), "kept"), ((7, 22), (6, 21), "kept"),
        ((9, 24), (7, 22), "centred"), ((5, 20), (7, 22), "centred"), ((7, 22), (9, 24), "centred"),
        ((7, 22), (5, 20), "centred"),
        # Of 14 to 22 pixels.
        ((3, 17), (5, 9), "centred"), ((3, 16), (5, 9), None), ((5, 9), (3, 17), "centred"),
        ((5, 9), (3, 16), None), ((3, 25), (5, 9), "centred"), ((3, 26), (5, 9), None),
        # Not where it touches the border.
        ((0, 15), (5, 9), None), ((13, 28), (5, 9), None), ((5, 20), (0, 9), None), ((5, 20), (20, 28), None),
        ((1, 16), (5, 9), "centred"), ((12, 27), (5, 9), "centred"),
    ],
)  # fmt: skip
def test_a_picture_of_the_models_size_is_kept_or_moved(
    rows: tuple[int, int], columns: tuple[int, int], placing: str | None
) -> None:
    image = drawn(rows, columns)
    found = keep(image)
    assert (found and found.placing) == placing
    if found is None:
        return
    assert (found.polarity, found.found, found.ignored) == ("light-on-dark", 1.0, {})
    if placing == "kept":
        np.testing.assert_array_equal(found.x[..., 0], np.asarray(image) / np.float32(255))
        assert (found.box, found.threshold) == ((0, 0, 28, 28), None)
    else:
        assert found.box == (columns[0], rows[0], columns[1], rows[1])
        assert found.threshold == 0.04
        assert found.x.sum() == pytest.approx(np.asarray(image).sum() / 255)
        for axis in (0, 1):
            mass = found.x[..., 0].sum(axis=1 - axis)
            assert abs((mass * np.arange(28)).sum() / mass.sum() - 14) <= 0.5


@pytest.mark.parametrize("rows", [(7, 22), (9, 24)])
def test_what_is_dark_on_light_is_turned(rows: tuple[int, int]) -> None:
    light, dark = keep(drawn(rows, (7, 22))), keep(drawn(rows, (7, 22), 255, 0))
    assert light is not None
    assert dark is not None
    np.testing.assert_allclose(dark.x, light.x, atol=1e-6)
    assert (dark.polarity, dark.placing, dark.box) == ("dark-on-light", light.placing, light.box)
    given = keep_picture(drawn(rows, (7, 22), 255, 0), DIGITS, "light-on-dark")
    assert given is None


@pytest.mark.parametrize(("ground", "kept"), [(0, True), (10, True), (11, False)])
def test_the_ground_is_nearly_black(ground: int, kept: bool) -> None:
    assert (keep(drawn((7, 22), (7, 22), ground)) is not None) == kept
    assert (keep(drawn((9, 24), (7, 22), ground)) is not None) == kept


def test_what_is_as_dark_as_the_ground_is_no_part_of_the_figure() -> None:
    pixels = np.asarray(drawn((5, 20), (5, 9))).copy()
    pixels[25, 20], pixels[26, 25] = 10, 10
    found = keep(Image.fromarray(pixels))
    assert found is not None
    assert found.box == (5, 5, 9, 20)


def test_another_size_or_an_empty_picture_is_not_kept() -> None:
    assert keep(drawn((7, 22), (7, 22)).crop((0, 0, 27, 28))) is None
    assert keep(drawn((7, 22), (7, 22)).crop((0, 0, 28, 27))) is None
    assert keep(Image.new("L", (28, 28), 0)) is None
    assert keep(Image.new("L", (28, 28), 255)) is None


def test_without_a_box_a_figure_of_any_size_is_moved() -> None:
    found = keep(drawn((3, 8), (5, 9)), Target(28, 28, 1, None))
    assert found is not None
    assert found.placing == "centred"


@pytest.mark.parametrize(("channels", "polarity"), [(1, "dark-on-light"), (3, "light-on-dark")])
def test_a_whole_picture_in_colour_is_as_the_models_are(channels: int, polarity: ImagePolarity) -> None:
    target = Target(28, 20, channels, None)
    for size, placing in (((20, 28), "kept"), ((40, 28), "whole")):
        image = Image.new("L", size, 250)
        image.info[UPLOAD_SIZE] = (400, 280)
        (found,) = read_input_pictures(image, target, None, many=False)
        assert (found.placing, found.polarity, found.box) == (placing, polarity, (0, 0, 400, 280))
        assert (found.threshold, found.found) == (None, None)
        assert found.x.shape == (28, 20, channels)
        level = 5 / 255 if channels == 1 else 250 / 255
        assert found.x[14, 10] == pytest.approx([level] * channels, abs=1e-6)
    (own,) = read_input_pictures(image, target, None, many=False, own="dark-on-light")
    assert own.polarity == "dark-on-light"
    (given,) = read_input_pictures(image, target, "light-on-dark", many=False, own="dark-on-light")
    assert given.polarity == "light-on-dark"


def test_a_figure_is_made_of_as_many_channels_as_the_model_has() -> None:
    image = sheets.to_image(sheets.draw())
    image.info[UPLOAD_SIZE] = image.size
    (one,) = read_input_pictures(image, DIGITS, None, many=True)
    (three,) = read_input_pictures(image, Target(28, 28, 3, 20), None, many=True)
    np.testing.assert_array_equal(three.x, np.repeat(one.x, 3, axis=2))
    assert (one.threshold, one.ignored) == (0.2, {"rules": 0, "specks": 0, "others": 0})
    assert one.found == pytest.approx(0.9345, abs=1e-3)
