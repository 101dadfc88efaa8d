from __future__ import annotations

import numpy as np
import pytest

from service.core.arrays import Floats
from service.imaging.figures import views
from service.imaging.figures.background import Background, estimate_noise


def noise(*shape: int, deviation: float = 20, seed: int = 0) -> Floats:
    return np.random.RandomState(seed).normal(128, deviation, shape).astype(np.float32)


def test_a_slope_is_measured_over_five_pixels() -> None:
    planes = noise(3, 12, 9)
    slope = views._slope(planes)
    for row, column in np.ndindex(12, 9):
        rises = [
            abs(plane[row + down, column + across] - plane[row - down, column - across])
            for plane in planes
            for down, across in ((2, 0), (0, 2))
            if down <= row < 12 - down and across <= column < 9 - across
        ]
        assert slope[row, column] == pytest.approx(max(rises, default=0))


def cell(*levels: float) -> Floats:
    return np.array(levels, np.float32).reshape(-1, 1, 1)


def test_what_stands_out_does_so_in_the_channel_that_shows_it_best() -> None:
    planes = np.array([[[100, 90, 130, 105]], [[50, 60, 52, 20]]], np.float32)
    background = Background(cell(100, 50), cell(95, 45), cell(110, 55))
    dark, light = views._stand_out(planes, background)
    np.testing.assert_array_equal(dark, [[0, 5, 0, 25]])
    np.testing.assert_array_equal(light, [[0, 5, 20, 0]])


def test_a_pixel_stands_out_by_so_many_deviations_or_levels() -> None:
    planes = np.stack([noise(60, 80, deviation=0.01), noise(60, 80, deviation=9, seed=1)])
    floor = views._estimate_floor(planes, False)
    expected = np.maximum(4.5 * np.maximum(*(estimate_noise(plane[None]) for plane in planes)), 5)
    np.testing.assert_allclose(floor, expected, rtol=1e-6)
    assert floor.max() > 20
    for flat in (views._estimate_floor(planes, True), views._estimate_floor(planes[:1], False)):
        np.testing.assert_array_equal(flat, np.full((60, 80), 5))
