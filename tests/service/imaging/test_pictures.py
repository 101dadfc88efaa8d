from __future__ import annotations

import numpy as np
import pytest

from service.imaging.pictures import Pictures
from service.imaging.pixels import to_bytes
from tests.service import fake

Z = np.random.RandomState(0).standard_normal((6, 2)).astype(np.float32)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("n", [1, 2])
def test_the_levels_of_a_part_of_a_batch_are_those_of_its_pictures(place: int, n: int) -> None:
    batch = fake.decode(Z)
    pictures = Pictures(Z[place : place + n], batch[place : place + n], batch, place)
    assert np.array_equal(pictures.levels, to_bytes(batch[place : place + n]))


def test_a_part_of_a_batch_that_is_itself_a_part_has_its_own_levels() -> None:
    whole = fake.decode(Z)
    batch = whole[2:5]
    for place in range(3):
        pictures = Pictures(Z[2 + place : 3 + place], batch[place : place + 1], batch, place)
        assert np.array_equal(pictures.levels, to_bytes(whole[2 + place : 3 + place]))


def test_pictures_that_lie_elsewhere_than_in_the_batch_have_their_own_levels() -> None:
    batch = fake.decode(Z)
    others = fake.decode(Z[1:2])
    assert np.array_equal(Pictures(Z[1:2], others, batch, 0).levels, to_bytes(others))
    assert np.array_equal(Pictures(Z[1:2], others).levels, to_bytes(others))


def test_batches_do_not_mix() -> None:
    first, second = fake.decode(Z), fake.decode(-Z)
    for batch in (first, second, first, second):
        assert np.array_equal(Pictures(Z[3:4], batch[3:4], batch, 3).levels, to_bytes(batch[3:4]))


def test_a_batch_is_rounded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rounded: list[int] = []

    def count(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        rounded.append(len(x))
        return to_bytes(x)

    monkeypatch.setattr("service.imaging.pictures.to_bytes", count)
    batch = fake.decode(Z)
    for place in range(6):
        assert Pictures(Z[place : place + 1], batch[place : place + 1], batch, place).levels.shape[0] == 1
    assert rounded == [6]
