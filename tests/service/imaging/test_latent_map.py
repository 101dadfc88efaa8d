from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from service.core.arrays import Bytes
from service.imaging import latent_map
from service.imaging.latent_map import COLOURS, INK, PAPER, RULE

FAR = np.array([[1e6, 1e6]])


def colours(picture: Bytes) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}


def extent_of(picture: Bytes, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels of a colour."""
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_points_lie_to_the_right_and_upwards() -> None:
    points = np.array([[1.0, 1.0], [-1.0, -1.0]])
    picture = latent_map.draw_map(points, np.array([0, 1]), 2.0, 200)[:, :200]
    for y, x, colour in ((52, 148, 0), (148, 52, 1)):
        assert COLOURS[colour] in colours(picture[y - 2 : y + 3, x - 2 : x + 3])


def test_what_lies_outside_is_left_out_but_stays_in_the_legend() -> None:
    points = np.array([[9.0, 9.0], [1.0, 1.0]])
    picture = latent_map.draw_map(points, np.array([3, 5]), 2.0, 200)
    assert COLOURS[0] not in colours(picture[:, :200])
    assert {COLOURS[0], COLOURS[1]} <= colours(picture[:, 200:])


def test_the_extent_holds_all_but_the_farthest() -> None:
    points = np.zeros((10_000, 2))
    points[:, 0] = 1.2
    points[:5] = 50
    assert latent_map.measure_extent(points) == 1.5
    assert latent_map.measure_extent(np.zeros((1, 2))) == 0.5


@pytest.mark.parametrize(("reach", "extent"), [(0.5, 0.5), (0.51, 1.0), (1.0, 1.0), (2.49, 2.5), (3.1, 3.5)])
def test_the_extent_is_a_multiple_of_one_half(reach: float, extent: float) -> None:
    for point in ((reach, 0), (0, reach), (-reach, 0), (0.1, -reach)):
        assert latent_map.measure_extent(np.array([point])) == extent


@pytest.mark.parametrize("size", [400, 720, 1440])
def test_dots_grow_with_the_map_and_keep_to_their_places(size: int) -> None:
    # In the upper right quarter, where nothing else is.
    picture = latent_map.draw_map(np.array([[1.5, 0.75]]), np.array([0]), 3.0, size)[:, :size]
    left, top, right, bottom = extent_of(picture, COLOURS[0])
    # The axes end a fiftieth of the side before the picture's edges.
    middle = size / 2
    assert (left + right) / 2 == pytest.approx(middle + 0.96 * middle * 0.5, abs=0.6)
    assert (top + bottom) / 2 == pytest.approx(middle - 0.96 * middle * 0.25, abs=0.6)
    radius = max(3.0, size * 2 / 360) / 2
    for side in (right - left, bottom - top):
        assert 2 * radius - 2 <= side <= 2 * radius + 1


def test_lines_cross_in_the_middle() -> None:
    picture = latent_map.draw_map(FAR, np.array([0]), 3.0, 200)[:, :200]
    ruled = (picture == RULE).all(axis=2)
    # Two pixels of the picture that is twice as large, around its middle.
    assert ruled[100, :80].all()
    assert ruled[20:99, 100].all()
    assert ruled[101:, 100].all()
    assert set(np.flatnonzero((picture[150] != PAPER).any(axis=1)).tolist()) <= {99, 100}
    assert set(np.flatnonzero((picture[:, 50] != PAPER).any(axis=1)).tolist()) <= {99, 100}


def draw_number(text: str, size: int, anchor: str, place: tuple[float, float]) -> NDArray[np.bool_]:
    """Where Pillow puts ink for a number of an axis."""
    side = 2 * size
    image = Image.new("L", (side, side), 255)
    font = ImageFont.load_default(max(8, size // 36) * 2)
    ImageDraw.Draw(image).text((place[0] * side, place[1] * side), text, 0, font, anchor=anchor)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)) < 250


@pytest.mark.parametrize(("size", "extent", "text"), [(200, 3.0, "3"), (720, 2.5, "2.5")])
def test_axes_say_how_far_they_go(size: int, extent: float, text: str) -> None:
    picture = latent_map.draw_map(FAR, np.array([0]), extent, size)[:, :size]
    inked = (picture < 200).all(axis=2)
    right = draw_number(text, size, "rd", (0.98, 0.5))
    top = draw_number(text, size, "rt", (0.5, 0.02))
    strong = np.zeros_like(inked)
    for number in (right, top):
        rows, columns = np.nonzero(number)
        strong[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        assert (inked & number).any()
    assert not (inked & ~strong).any()


@pytest.mark.parametrize(("size", "count"), [(200, 2), (200, 10), (200, 30), (360, 3)])
def test_a_legend_has_a_line_for_each_label(size: int, count: int) -> None:
    labels = np.arange(count) * 7
    points = np.repeat(FAR, count, axis=0)
    legend = latent_map.draw_map(points, labels, 1.0, size)[:, size:]
    line = max(8, min(size // 18, size // (count + 1)))
    font = ImageFont.load_default(line * 0.8)
    assert legend.shape == (size, math.ceil(2.2 * line + max(font.getlength(str(n)) for n in labels)), 3)
    expected = Image.new("RGB", legend.shape[1::-1], PAPER)
    pen = ImageDraw.Draw(expected)
    for i, label in enumerate(labels.tolist()):
        middle = (i + 1) * line
        box = (line / 2, middle - 0.35 * line, line * 1.2, middle + 0.35 * line)
        pen.rectangle(box, COLOURS[i % 10])
        pen.text((1.6 * line, middle), str(label), INK, font, anchor="lm")
    np.testing.assert_array_equal(legend, np.asarray(expected))


def test_labels_beyond_ten_begin_the_colours_again() -> None:
    points = np.stack([np.linspace(-1, 1, 12), np.full(12, 0.5)], axis=1)
    picture = latent_map.draw_map(points, np.arange(12), 1.0, 400)[:, :400]
    for i, (x, y) in enumerate(points.tolist()):
        place = picture[round(200 - 192 * y), round(200 + 192 * x) - 1]
        assert tuple(place.tolist()) == COLOURS[i % 10]


def test_colours_are_nine_hues_and_a_grey_that_nobody_takes_for_another() -> None:
    assert [colour for colour in COLOURS if len(set(colour)) == 1] == [(120, 120, 120)]
    apart = [np.abs(np.subtract(one, other)).sum() for one, other in itertools.combinations(COLOURS, 2)]
    assert len(apart) == 45
    assert min(apart) > 70
