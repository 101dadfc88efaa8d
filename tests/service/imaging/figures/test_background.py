from __future__ import annotations

import numpy as np
import pytest

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
        noise = bg.estimate_noise(sheets.noisy(levels, deviation).astype(np.float32))
        assert noise.shape == levels.shape
        np.testing.assert_allclose(noise, deviation, rtol=0.2, atol=0.3)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (13, 13)])
def test_small_pictures_have_a_background_too(size: tuple[int, int]) -> None:
    _, level, _ = estimate(np.full(size, 90.0))
    np.testing.assert_allclose(level, 90)
    assert bg.estimate_noise(np.full(size, 90, np.float32)).shape == size


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
