from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from service.core.arrays import Floats
from service.imaging.figures import background as bg
from tests.service.imaging.figures import sheets


def estimate(levels: sheets.Levels, reach: float = 0.5) -> tuple[Floats, Floats, Floats]:
    (found,) = bg.estimate_backgrounds(levels[None].astype(np.float32), [reach])
    height, width = levels.shape
    low, level, high = (bg.enlarge(grid[0], height, width) for grid in (found.low, found.level, found.high))
    return low, level, high


def test_paper_is_the_background_of_a_thick_figure() -> None:
    _, level, _ = estimate(sheets.draw(width=40))
    np.testing.assert_allclose(level, 210, atol=0.1)


@pytest.mark.parametrize("turned", [False, True])
def test_light_that_falls_is_background_to_the_edges(turned: bool) -> None:
    fall = np.linspace(1, 0.4, sheets.SIZE[0])
    bare = np.broadcast_to(210 * fall, sheets.SIZE[::-1])
    levels = sheets.draw() * fall
    _, level, _ = estimate(levels.T if turned else levels)
    assert np.abs(level - (bare.T if turned else bare)).max() < 16


def test_the_edge_of_a_sheet_stands_out_from_nothing() -> None:
    levels = np.full(sheets.SIZE[::-1], 210.0)
    levels[:, 300:] = 60
    low, _, high = estimate(levels)
    assert ((levels >= low - 0.1) & (levels <= high + 0.1)).all()


def test_noise_is_measured_beside_figures_and_edges() -> None:
    levels = sheets.draw()
    levels[:, 400:] = 60
    for deviation in (0, 4, 12):
        noise = bg.estimate_noise(sheets.noisy(levels, deviation)[None].astype(np.float32))
        assert noise.shape == levels.shape
        np.testing.assert_allclose(noise, deviation, rtol=0.2, atol=0.3)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (13, 13)])
def test_small_pictures_have_a_background_too(size: tuple[int, int]) -> None:
    _, level, _ = estimate(np.full(size, 90.0))
    np.testing.assert_allclose(level, 90)
    assert bg.estimate_noise(np.full((1, *size), 90, np.float32)).shape == size


def has_canvas(levels: sheets.Levels) -> bool:
    (found,) = bg.estimate_backgrounds(levels[None].astype(np.float32), [0.5])
    return found.is_canvas


def test_a_program_fills_a_canvas_around_soft_edges() -> None:
    levels = sheets.draw(20, 240)
    assert has_canvas(levels)
    levels[150:200, 0] += 4  # as faint as ink never is
    assert has_canvas(levels)
    levels[100:200, :10] = 230  # a stroke that leaves the picture on one side
    assert has_canvas(levels)


def test_paper_with_lines_noise_or_light_is_no_canvas() -> None:
    ruled, halved = sheets.draw(), sheets.draw()
    ruled[10::12] = 195
    halved[1:-1, 1:300] = 100
    for levels in (ruled, halved, sheets.noisy(sheets.draw(), 2), sheets.draw() * np.linspace(1, 0.9, 480)):
        assert not has_canvas(levels)


def test_a_quantile_is_one_of_the_values() -> None:
    assert bg.quantile(np.array([5, 1, 3], np.float32), 0.5) == 3
    assert bg.quantile(np.array([5], np.float32), 0.9) == 5


def test_a_quantile_is_at_its_part_of_the_values() -> None:
    values = np.random.RandomState(0).permutation(101).astype(np.float32)
    for part in (0, 0.1, 0.25, 0.5, 0.754, 0.9, 1):
        assert bg.quantile(values, part) == int(part * 100)
    assert bg.quantile(values[:100], 0.9) == sorted(values[:100])[89]


@pytest.mark.parametrize(
    ("size", "side", "cells"),
    [((64, 32), 32, (32, 16)), ((20, 10), 32, (20, 10)), ((100, 1), 10, (10, 1)), ((33, 66), 32, (16, 32))],
)
def test_a_copy_has_so_many_cells_along_its_longer_side(
    size: tuple[int, int], side: int, cells: tuple[int, int]
) -> None:
    plane = np.arange(size[0] * size[1], dtype=np.float32).reshape(size)
    small = bg.shrink(plane, side)
    assert small.shape == cells
    assert small.mean() == pytest.approx(plane.mean(), rel=5e-3)


def test_a_cell_is_the_mean_of_its_pixels_and_middles_are_joined_by_lines() -> None:
    plane = np.random.RandomState(0).random((64, 32)).astype(np.float32)
    cells = bg.shrink(plane, 32)
    np.testing.assert_allclose(cells, plane.reshape(32, 2, 16, 2).mean(axis=(1, 3)), atol=1e-5)
    grid = np.array([[0, 8]], np.float32)
    np.testing.assert_allclose(bg.enlarge(grid, 2, 8), [[0, 0, 1, 3, 5, 7, 8, 8]] * 2, atol=1e-5)
    np.testing.assert_allclose(bg.enlarge(grid[:, 1:], 2, 3), np.full((2, 3), 8))
    np.testing.assert_allclose(bg.enlarge(grid, 1, 2, (0.5, 0, 1.5, 1)), [[2, 6]], atol=1e-5)


def test_a_window_reaches_as_far_to_one_side_as_to_the_other() -> None:
    expected = [
        [1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1],
    ]  # fmt: skip
    np.testing.assert_array_equal(bg._windows(6, 5), expected)
    np.testing.assert_array_equal(bg._windows(6, 2), expected)
    np.testing.assert_array_equal(bg._windows(4, 1), [[1, 0, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 1]])


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("reach", [1, 3])
def test_the_quantile_of_a_window_is_near_that_of_its_values(part: float, reach: int) -> None:
    grid = (np.random.RandomState(0).random((12, 9)) * 200 + 20).astype(np.float32)
    # Each channel by itself: the second has its own levels, the third is even.
    planes = np.stack([grid, grid[::-1] * np.float32(0.5), np.full_like(grid, 7)])
    found, turned, even = bg._windowed_quantile(bg._sort_cells(planes), reach, part)
    assert found.shape == grid.shape
    np.testing.assert_allclose(turned, found[::-1] / 2, rtol=1e-5)
    np.testing.assert_array_equal(even, 7)
    for row in range(12):
        for column in range(9):
            down, across = min(row, 11 - row, reach), min(column, 8 - column, reach)
            window = grid[row - down : row + down + 1, column - across : column + across + 1]
            # Of levels of a sixteenth, one and its neighbours are averaged.
            low, high = float(grid.min()), float(grid.max())
            index = ((window - low) * (15.999 / (high - low))).astype(int)
            middle = np.sort(index, axis=None)[int(np.ceil(part * window.size)) - 1]
            near = window[np.abs(index - middle) <= 1]
            assert found[row, column] == pytest.approx(near.mean(), abs=0.05)
    flat = bg._sort_cells(np.full((1, 3, 4), 7, np.float32))
    np.testing.assert_array_equal(bg._windowed_quantile(flat, 1, part), np.full((1, 3, 4), 7))


def test_noise_is_compared_three_pixels_away() -> None:
    noise = np.random.RandomState(0).normal(100, 8, (90, 120)).astype(np.float32)
    found = bg.estimate_noise(noise[None])
    around = [np.roll(noise, shift, axis) for shift in (-3, 3) for axis in (0, 1)]
    apart = np.abs(noise - np.mean(around, axis=0))[3:-3, 3:-3]
    cells = bg.shrink(apart.astype(np.float32), 32)
    (usual,) = bg._windowed_quantile(bg._sort_cells(cells[None]), min(cells.shape) // 4, 0.25)
    np.testing.assert_allclose(found, bg.enlarge(usual * np.float32(1.12), 90, 120), rtol=1e-4)
    assert found.min() > 5


@pytest.mark.parametrize("size", [(12, 40), (40, 12), (13, 40), (40, 13)])
def test_small_pictures_have_no_noise(size: tuple[int, int]) -> None:
    noise = np.random.RandomState(0).normal(100, 8, size).astype(np.float32)
    assert (bg.estimate_noise(noise[None]) > 0).any() == (min(size) > 12)


@pytest.mark.parametrize(
    ("down", "across", "by", "noisy"),
    [(7, 5, 9, True), (9, 5, 9, False), (7, 5, 4, False), (7, 5, 4.1, True)],
)
def test_a_drawn_picture_has_no_noise(down: int, across: int, by: float, noisy: bool) -> None:
    # Each dot differs from what is near it, and four others from it, by a quarter: of a drawn picture less
    # than an eighth differs by more than a level.
    plane = np.full((132, 132), 100, np.float32)
    plane[::down, ::across] += by
    assert (bg.estimate_noise(plane[None]) > 0).any() == noisy


@pytest.mark.parametrize("reach", [1, 2, 3])
@pytest.mark.parametrize("choose", [np.maximum, np.minimum])
def test_levels_are_spread_to_all_neighbours(choose: np.ufunc, reach: int) -> None:
    levels = np.random.RandomState(0).random((2, 7, 5)).astype(np.float32)
    before = levels.copy()
    found = bg.spread(levels, choose, reach)
    for plane in range(2):
        for row in range(7):
            for column in range(5):
                rows, columns = (slice(max(i - reach, 0), i + reach + 1) for i in (row, column))
                near = levels[plane, rows, columns]
                assert found[plane, row, column] == choose.reduce(near, axis=None)
    np.testing.assert_array_equal(levels, before)


def border(odd: int, by: float, sides: int = 1) -> sheets.Levels:
    """A canvas of 101 by 101, whose border has so many pixels, on so many sides, that differ by so much."""
    levels = np.full((101, 101), 200.0)
    levels[0, 10 : 10 + odd] += by
    if sides == 2:
        levels[-1, 10 : 10 + odd] += by
    return levels


@pytest.mark.parametrize(
    ("levels", "canvas"),
    [
        # A tenth of 404 pixels may differ softly.
        (border(40, 2), True), (border(41, 2), False), (border(41, 1), True),
        # A fiftieth by more than four levels, on any side; a tenth on one alone.
        (border(4, 30, 2), True), (border(5, 30, 2), False), (border(5, 4, 2), True),
        (border(40, 30), True), (border(41, 30), False), (border(40, -30), True), (border(41, -30), False),
    ],
)  # fmt: skip
def test_a_border_is_a_programs_if_little_of_it_differs(levels: sheets.Levels, canvas: bool) -> None:
    assert has_canvas(levels) == canvas
    for turns in (1, 2, 3):
        assert has_canvas(np.rot90(levels, turns)) == canvas


@pytest.mark.parametrize(("rows", "canvas"), [(62, True), (63, False)])
def test_two_fifths_of_a_canvas_are_as_they_were_filled(rows: int, canvas: bool) -> None:
    levels = np.full((102, 102), 200.0)
    levels[1:-1, 1:-1] = 199
    levels[1 : 1 + rows, 1:-1] = 198.5
    assert has_canvas(levels) == canvas


def test_reaches_are_parts_of_the_shorter_side() -> None:
    levels = sheets.noisy(sheets.draw(), 3)
    found = list(bg.estimate_backgrounds(levels[None].astype(np.float32), [0.5, 0.25, 0.001]))
    grid = bg.shrink(levels.astype(np.float32), 32)
    assert grid.shape == (24, 32)
    for background, side in zip(found, (12, 6, 1), strict=True):
        level = bg._windowed_quantile(bg._sort_cells(grid[None]), side, 0.5)
        np.testing.assert_array_equal(background.level, level)
        np.testing.assert_array_equal(background.low, bg.spread(level, np.minimum))
        np.testing.assert_array_equal(background.high, bg.spread(level, np.maximum))
        assert not background.is_canvas


@pytest.mark.parametrize("grid", [(24, 32), (1, 5), (3, 1), (1, 1)])
@pytest.mark.parametrize("part", [None, (0.2, 0.1, 0.9, 0.7)])
def test_a_grid_is_enlarged_as_pillow_does(
    grid: tuple[int, int], part: tuple[float, float, float, float] | None
) -> None:
    levels = np.random.RandomState(0).uniform(0, 255, (2, *grid)).astype(np.float32)
    box = None if part is None else tuple(np.multiply(part, [grid[1], grid[0]] * 2).tolist())
    found = bg.enlarge(levels, 188, 250, box)
    for plane, wide in zip(levels, found, strict=True):
        expected = Image.fromarray(plane).resize((250, 188), Image.Resampling.BILINEAR, box)
        np.testing.assert_allclose(wide, np.asarray(expected), atol=1e-3)


def test_each_channel_has_the_background_that_it_has_alone() -> None:
    rng = np.random.RandomState(1)
    planes = rng.normal([[[60]], [[120]], [[200]]], 5, (3, 120, 160)).astype(np.float32)
    planes[:, 40:90, 30:60] -= 40
    (together,) = bg.estimate_backgrounds(planes, [0.5])
    for channel, plane in enumerate(planes):
        (alone,) = bg.estimate_backgrounds(plane[None], [0.5])
        np.testing.assert_allclose(together.level[channel], alone.level[0], atol=0.01)


def test_noise_is_that_of_the_noisiest_channel() -> None:
    drawn = np.full((200, 300), 120.0)
    planes = np.stack([drawn, sheets.noisy(drawn, 9), sheets.noisy(drawn, 3)]).astype(np.float32)
    np.testing.assert_allclose(bg.estimate_noise(planes), 9, rtol=0.2)
