from __future__ import annotations

import itertools

import pytest

from service.core import tally
from service.core.tally import Tally


def numbers(counted: Tally) -> list[float]:
    cells = [0.0] * counted.size
    counted.move(cells, 0)
    return cells


def test_a_value_belongs_to_the_first_range_that_does_not_end_below_it() -> None:
    counted = Tally((1, 2, 4))
    for value in (0.5, 1, 1.5, 4, 4.5, 100):
        counted.add(value)
    assert numbers(counted) == [2, 1, 1, 2, 111.5]


def test_a_tally_that_moves_takes_its_numbers_along() -> None:
    counted = Tally((1,))
    counted.add(3)
    cells = [9.0, 10.0, 20.0, 30.0, 9.0]
    counted.move(cells, 1)
    counted.add(0.5)
    assert cells == [9, 11, 21, 33.5, 9]


@pytest.mark.parametrize("bounds", [tally.SECONDS, tally.SHORT_SECONDS, tally.ROWS])
def test_each_range_ends_above_the_one_before(bounds: tuple[float, ...]) -> None:
    assert all(lower < upper for lower, upper in itertools.pairwise(bounds))
    assert 1 in bounds
