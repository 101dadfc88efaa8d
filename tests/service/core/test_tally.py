from __future__ import annotations

from service.core.tally import Tally


def numbers(tally: Tally) -> list[float]:
    cells = [0.0] * tally.size
    tally.move(cells, 0)
    return cells


def test_a_value_belongs_to_the_first_range_that_does_not_end_below_it() -> None:
    tally = Tally((1, 2, 4))
    for value in (0.5, 1, 1.5, 4, 4.5, 100):
        tally.add(value)
    assert numbers(tally) == [2, 1, 1, 2, 111.5]


def test_a_tally_that_moves_takes_its_numbers_along() -> None:
    tally = Tally((1,))
    tally.add(3)
    cells = [9.0, 10.0, 20.0, 30.0, 9.0]
    tally.move(cells, 1)
    tally.add(0.5)
    assert cells == [9, 11, 21, 33.5, 9]
