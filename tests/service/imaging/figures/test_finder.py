from __future__ import annotations

import itertools

import numpy as np
import pytest

from service.imaging.figures import finder
from service.imaging.figures.finder import Figure
from service.imaging.figures.reading import read_figures
from tests.service.imaging.figures import sheets


def figure(*box: int) -> Figure:
    return Figure(np.zeros((1, 1), bool), box, 0, 0, 0)  # type: ignore[arg-type]


def test_figures_of_a_line_go_from_left_to_right() -> None:
    # The middle of each lies within the height of another of its line; the last two lie lower.
    first, second, third = figure(50, 10, 60, 30), figure(0, 14, 10, 40), figure(90, 25, 99, 47)
    low, lower = figure(70, 41, 80, 60), figure(20, 60, 30, 80)
    expected = [second, first, third, low, lower]
    for order in itertools.permutations(expected):
        assert finder._in_reading_order(list(order)) == expected
    touching, below = figure(50, 0, 60, 20), figure(0, 10, 10, 30)
    assert finder._in_reading_order([touching, below]) == [touching, below]
    assert finder._in_reading_order([touching, figure(0, 9, 10, 29)])[1] is touching


def several(*strengths: float, size: int = 60) -> sheets.Levels:
    """A sheet with an upright stroke of each strength, from left to right."""
    levels = np.full((200, 60 * len(strengths) + 60), 220.0)
    for i, strength in enumerate(strengths):
        levels[60 : 60 + size, 60 * (i + 1) - 5 : 60 * (i + 1) + 5] -= strength
    return levels


@pytest.mark.parametrize(("faint", "found"), [(75, 1), (85, 2)])
def test_others_stand_out_by_two_fifths_of_the_best(faint: float, found: int) -> None:
    assert len(read_figures(sheets.to_image(several(200, faint)), None, True)) == found
    assert len(read_figures(sheets.to_image(several(faint, 200)), None, True)) == found


@pytest.mark.parametrize(("size", "found"), [(30, 1), (36, 2)])
def test_others_have_two_fifths_of_the_size_of_the_best(size: int, found: int) -> None:
    levels = several(150, size=80)
    levels = np.concatenate([levels, several(150, size=size)], axis=1)
    assert len(read_figures(sheets.to_image(levels), None, True)) == found


def test_the_threshold_of_a_figure_is_a_part_of_its_own_contrast() -> None:
    first, second = read_figures(sheets.to_image(several(200, 100)), None, True)
    assert first.threshold == pytest.approx(0.3 * 200 / 255, abs=2e-4)
    assert second.threshold == pytest.approx(0.3 * 100 / 255, abs=2e-4)


def test_a_figure_is_surer_the_more_it_stands_out_from_noise() -> None:
    found = {
        strength: read_figures(sheets.to_image(several(strength)), None, False)[0].found
        for strength in (7, 14, 15, 60)
    }
    # Three times the five levels that all must stand out by.
    assert found[15] == pytest.approx(found[60], abs=2e-2)
    assert found[7] == pytest.approx(found[14] / 2, abs=2e-2)
