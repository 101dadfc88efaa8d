"""Filters of figures, compared with Pillow's, which sort all nine levels around each pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageFilter

from service.core.arrays import Floats
from service.imaging.figures.drawing import (
    GROW,
    SHRINK,
    _drop_whiskers,
    _filter,
    _measure_stroke,
    _trim,
    even_strokes,
)
from service.imaging.figures.reading import read_figures
from tests.service.imaging.figures import sheets

covers = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(0, 1, width=32)
)


@given(covers, st.lists(st.booleans(), max_size=4))
def test_growing_and_shrinking_take_the_extremes_of_nine(cover: Floats, grows: list[bool]) -> None:
    expected = Image.fromarray((cover * 255).astype(np.uint8))
    for grow in grows:
        expected = expected.filter(ImageFilter.MaxFilter(3) if grow else ImageFilter.MinFilter(3))
    found = _filter(cover, [GROW if grow else SHRINK for grow in grows])
    np.testing.assert_array_equal(np.round(found * 255), np.asarray(expected))


def bar(thick: int, long: int = 60, around: int = 10) -> Floats:
    """An upright stroke."""
    cover = np.zeros((long + 2 * around, thick + 2 * around), np.float32)
    cover[around : around + long, around : around + thick] = 1
    return cover


@pytest.mark.parametrize(
    ("thick", "strokes"),
    [(2, 6), (4, 6), (5, 5), (8, 8), (11, 11), (12, 12), (16, 12), (30, 16)],
)
def test_strokes_are_made_as_thick_as_those_of_mnist(thick: int, strokes: int) -> None:
    cover = bar(thick)[10:-10, 10:-10]
    evened = even_strokes(cover)
    assert evened.shape[1] == strokes
    # What makes them thicker makes them longer.
    assert evened.shape[0] == 60 + strokes - thick
    assert evened.min() == 1


def test_the_thickness_of_strokes_is_that_of_their_area_by_their_length() -> None:
    for thick in (1, 4, 9):
        ink = bar(thick) > 0.5
        length = np.hypot(60, thick)
        assert _measure_stroke(ink) == pytest.approx(60 * thick / length)
        assert _measure_stroke(ink.T) == pytest.approx(60 * thick / length)
    assert _measure_stroke(np.zeros((3, 3), bool)) == 0


def test_whiskers_are_dropped_and_strokes_stay() -> None:
    cover = bar(16, around=30)
    cover[50:52, 5:71] = 1
    left = _drop_whiskers(cover)
    np.testing.assert_array_equal(left[:, 30:46], cover[:, 30:46])
    assert left[:, :28].max() == 0
    assert left[:, 48:].max() == 0
    thin = bar(5)
    np.testing.assert_array_equal(_drop_whiskers(thin), thin)


def test_margins_are_cut_where_less_than_a_fifth_is_covered() -> None:
    cover = np.zeros((9, 11), np.float32)
    cover[2, 3], cover[6, 8], cover[8, 10] = 0.21, 0.9, 0.19
    assert _trim(cover).shape == (5, 6)
    np.testing.assert_array_equal(_trim(cover), cover[2:7, 3:9])
    empty = np.full((4, 5), 0.2, np.float32)
    assert _trim(empty).shape == (4, 5)


THICK = {"a hair": 4, "a thin pen": 8, "a pen": 16, "a marker": 30, "a brush": 44}
# Of what is read: its size, and its mean.
CUTS: dict[tuple[str, float], tuple[tuple[int, int], float]] = {
    ("a hair", 0): ((101, 66), 0.2715),
    ("a hair", 3): ((101, 66), 0.2727),
    ("a thin pen", 0): ((99, 64), 0.2833),
    ("a thin pen", 3): ((99, 64), 0.2838),
    ("a pen", 0): ((95, 60), 0.3239),
    ("a pen", 3): ((95, 60), 0.32),
    ("a marker", 0): ((93, 58), 0.5244),
    ("a marker", 3): ((95, 60), 0.5589),
    ("a brush", 0): ((85, 50), 0.6098),
    ("a brush", 3): ((87, 52), 0.6257),
}
SIZES = {
    ((240, 180), False): ((81, 51), 0.313),
    ((240, 180), True): ((81, 51), 0.3134),
    ((480, 360), False): ((95, 60), 0.3239),
    ((480, 360), True): ((95, 60), 0.3239),
    ((1920, 1440), False): ((95, 60), 0.3253),
    ((1920, 1440), True): ((95, 60), 0.3254),
}


@pytest.mark.parametrize("noise", [0, 3])
@pytest.mark.parametrize("pen", THICK)
def test_figures_of_any_pen_are_cut_as_they_were_measured(pen: str, noise: float) -> None:
    levels = sheets.noisy(sheets.draw(width=THICK[pen]), noise)
    (reading,) = read_figures(sheets.to_image(levels), None, False)
    shape, mean = CUTS[pen, noise]
    assert reading.cover.shape[:2] == shape
    assert reading.cover.mean() == pytest.approx(mean, abs=2e-3)


@pytest.mark.parametrize("size", [(240, 180), (480, 360), (1920, 1440)])
@pytest.mark.parametrize("colour", [False, True])
def test_a_figure_is_cut_from_the_picture_that_was_given(size: tuple[int, int], colour: bool) -> None:
    image = sheets.to_image(sheets.draw()).resize(size, Image.Resampling.BICUBIC)
    if colour:
        image = Image.merge("RGB", [image, image.point(lambda level: level * 0.5), image])
    (reading,) = read_figures(image, None, False)
    shape, mean = SIZES[size, colour]
    assert reading.cover.shape[:2] == shape
    assert reading.cover.mean() == pytest.approx(mean, abs=2e-3)
