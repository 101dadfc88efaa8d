from __future__ import annotations

import dataclasses
import io
import itertools
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.core.arrays import Bytes
from service.core.errors import InvalidValueError
from service.imaging.colormaps import colour
from service.imaging.formats.png import write_png
from service.imaging.rendering import (
    Look,
    check_colormap,
    draw_frames,
    draw_lines,
    draw_sheet,
    measure_frame,
    measure_sheet,
    split_scale,
)

LOOKS = [
    Look(scale, resample, invert, padding, columns, colormap)  # type: ignore[arg-type]
    for scale, resample, invert, padding, columns, colormap in itertools.product(
        [1, 3], ["nearest", "smooth"], [False, True], [0, 2], [None, 2, 9], ["grey", "viridis"]
    )
]


def pictures(n: int, *shape: int) -> Bytes:
    return np.random.RandomState(0).randint(0, 256, (n, *shape), np.uint8)


def look(**changes: Any) -> Look:
    return dataclasses.replace(Look(), **changes)


def test_a_sheet_keeps_the_order_row_by_row() -> None:
    numbers = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1)
    np.testing.assert_array_equal(draw_sheet(numbers, Look())[..., 0], [[1, 2, 3], [4, 5, 0]])
    np.testing.assert_array_equal(draw_sheet(numbers, look(columns=5))[..., 0], [[1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(draw_sheet(numbers[:1], look(columns=3))[..., 0], [[1, 0, 0]])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_of_one_is_the_picture(channels: int) -> None:
    images = pictures(1, 4, 6, channels)
    np.testing.assert_array_equal(draw_sheet(images, Look()), images[0])


def test_padding_is_background_around_and_between_and_in_places_left_over() -> None:
    numbers = np.array([1, 2, 3], np.uint8).reshape(3, 1, 1, 1)
    expected = [[0, 0, 0, 0, 0], [0, 1, 0, 2, 0], [0, 0, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, 0, 0, 0]]
    drawn = draw_sheet(numbers, look(padding=1))[..., 0]
    np.testing.assert_array_equal(drawn, expected)
    np.testing.assert_array_equal(draw_sheet(numbers, look(padding=1, invert=True))[..., 0], 255 - drawn)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("look", [look for look in LOOKS if look.scale == 1 and look.colormap == "grey"])
def test_the_lines_of_a_sheet_are_the_sheet_with_a_0_before_each_row(look: Look, channels: int) -> None:
    kept = pictures(9, 4, 7, channels)
    for n in (1, 2, 3, 8, 9):
        # A part of a batch, whose rows do not follow each other in memory.
        images = kept[:n, :, 1:6]
        lines, sheet = draw_lines(images, look), draw_sheet(images, look)
        assert lines.flags.c_contiguous
        assert not lines[:, 0].any()
        np.testing.assert_array_equal(lines[:, 1:].reshape(sheet.shape), sheet)
    np.testing.assert_array_equal(kept, pictures(9, 4, 7, channels))


def test_background_has_the_colour_of_its_level() -> None:
    images = pictures(3, 2, 2, 1)
    for invert in (False, True):
        sheet = draw_sheet(images, look(padding=1, colormap="magma", invert=invert))
        grey = draw_sheet(images, look(padding=1, invert=invert))
        np.testing.assert_array_equal(sheet, colour(grey, "magma"))


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_sheet_and_a_frame_have_the_size_they_were_measured_at(look: Look) -> None:
    images = pictures(3, 4, 5, 1)
    channels = 1 if look.colormap == "grey" else 3
    assert draw_sheet(images, look).shape == (*measure_sheet(3, 4, 5, look), channels)
    assert draw_frames(images, look).shape == (3, *measure_frame(4, 5, look), channels)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_frame_is_a_sheet_of_one_whatever_stands_beside_it(look: Look) -> None:
    images = pictures(3, 4, 5, 1)
    frames = draw_frames(images, look)
    for index in range(3):
        sheet = draw_sheet(images[index : index + 1], dataclasses.replace(look, columns=1))
        np.testing.assert_array_equal(frames[index], sheet)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_writer_that_repeats_pixels_makes_the_same_picture(look: Look) -> None:
    images = pictures(3, 4, 5, 1)
    drawn, factor = split_scale(look)
    with Image.open(io.BytesIO(write_png(draw_sheet(images, drawn), factor))) as image:
        found = np.asarray(image)
    expected = draw_sheet(images, look)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_nearest_makes_each_pixel_a_square(channels: int) -> None:
    images = pictures(4, 2, 3, channels)
    expected = draw_sheet(images, look(padding=1)).repeat(4, axis=0).repeat(4, axis=1)
    np.testing.assert_array_equal(draw_sheet(images, look(padding=1, scale=4)), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_smooth_pictures_do_not_bleed_into_their_neighbours(channels: int) -> None:
    images = np.zeros((4, 3, 3, channels), np.uint8)
    images[::2] = 255
    sheet = draw_sheet(images, look(scale=5, resample="smooth", columns=4))
    np.testing.assert_array_equal(sheet, draw_sheet(images, look(scale=5, columns=4)))


@pytest.mark.parametrize("channels", [1, 3])
def test_smooth_goes_gradually_from_dark_to_light(channels: int) -> None:
    images = np.zeros((1, 4, 4, channels), np.uint8)
    images[:, :, 2:] = 255
    drawn = draw_sheet(images, look(scale=6, resample="smooth"))
    assert (np.diff(drawn[0, 6:18].astype(int), axis=0) >= 0).all()
    assert len(np.unique(drawn[0, :, 0])) > 6
    np.testing.assert_array_equal(drawn, draw_sheet(images, look(scale=6, resample="smooth")))


def test_smooth_levels_are_coloured_after_scaling() -> None:
    images = pictures(2, 3, 3, 1)
    grey = draw_sheet(images, look(scale=3, resample="smooth"))
    drawn = draw_sheet(images, look(scale=3, resample="smooth", colormap="coolwarm"))
    np.testing.assert_array_equal(drawn, colour(grey, "coolwarm"))


def test_inverting_leaves_what_was_given_alone() -> None:
    images = pictures(2, 3, 3, 3)
    before = images.copy()
    np.testing.assert_array_equal(draw_frames(images, look(invert=True)), 255 - before)
    np.testing.assert_array_equal(images, before)


def test_a_colormap_for_pictures_of_colour_is_refused() -> None:
    images = pictures(1, 2, 2, 3)
    for refuse in (draw_sheet, draw_frames, lambda _, look: check_colormap(look, 3)):
        with pytest.raises(InvalidValueError, match=r"colormap: expected 'grey' .*, received 'magma'"):
            refuse(images, look(colormap="magma"))
    check_colormap(Look(), 3)
