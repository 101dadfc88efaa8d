"""Pictures in 8 bits: those of a part of a batch are those of the pictures themselves."""

from __future__ import annotations

import numpy as np
import pytest

from service.core.arrays import Bytes, Floats
from service.imaging.pictures import Pictures
from service.imaging.pixels import to_bytes
from tests.service import fake

Z = np.random.RandomState(0).standard_normal((6, 2)).astype(np.float32)


def expected_lines(image: Floats) -> Bytes:
    levels = to_bytes(image[0]).reshape(image.shape[1], -1)
    return np.concatenate([np.zeros((len(levels), 1), np.uint8), levels], axis=1)


@pytest.mark.parametrize("place", range(6))
def test_the_lines_of_a_part_of_a_batch_are_those_of_its_picture(place: int) -> None:
    batch = fake.decode(Z)
    pictures = Pictures(Z[place : place + 1], batch[place : place + 1], batch, place)
    assert np.array_equal(pictures.lines, expected_lines(batch[place : place + 1]))
    assert pictures.lines.flags.c_contiguous
    assert np.array_equal(pictures.levels, to_bytes(batch[place : place + 1]))
    assert pictures.levels.flags.c_contiguous


def test_a_part_of_a_batch_that_is_itself_a_part_has_its_own_lines() -> None:
    whole = fake.decode(Z)
    batch = whole[2:5]
    for place in range(3):
        pictures = Pictures(Z[2 + place : 3 + place], batch[place : place + 1], batch, place)
        assert np.array_equal(pictures.lines, expected_lines(whole[2 + place : 3 + place]))


def test_pictures_that_lie_elsewhere_than_in_the_batch_have_their_own_lines() -> None:
    batch = fake.decode(Z)
    others = fake.decode(Z[1:2])
    assert np.array_equal(Pictures(Z[1:2], others, batch, 0).lines, expected_lines(others))
    assert np.array_equal(Pictures(Z[1:2], others).lines, expected_lines(others))


def test_batches_do_not_mix() -> None:
    first, second = fake.decode(Z), fake.decode(-Z)
    for batch in (first, second, first, second):
        assert np.array_equal(Pictures(Z[3:4], batch[3:4], batch, 3).lines, expected_lines(batch[3:4]))


@pytest.fixture
def rounded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were rounded each time."""
    found: list[int] = []

    def count(images: Floats) -> Bytes:
        found.append(len(images))
        return to_bytes(images)

    monkeypatch.setattr("service.imaging.pictures.to_bytes", count)
    return found


def test_a_batch_is_rounded_once(rounded: list[int]) -> None:
    batch = fake.decode(Z)
    for place in range(6):
        pictures = Pictures(Z[place : place + 1], batch[place : place + 1], batch, place)
        assert len(pictures.lines) == 28
        assert pictures.levels.shape == (1, 28, 28, 1)
    assert rounded == [6]


@pytest.mark.parametrize(("place", "n"), [(0, 2), (1, 3), (2, 4), (0, 6)])
def test_the_levels_of_a_part_of_a_batch_are_those_of_its_pictures(place: int, n: int) -> None:
    batch = fake.decode(Z)
    image = batch[place : place + n]
    assert np.array_equal(Pictures(Z[place : place + n], image, batch, place).levels, to_bytes(image))
    assert np.array_equal(Pictures(Z[place : place + n], image).levels, to_bytes(image))
    others = fake.decode(-Z[place : place + n])
    assert np.array_equal(Pictures(Z[place : place + n], others, batch, place).levels, to_bytes(others))


def test_the_levels_of_a_batch_are_rounded_once_for_all_its_parts(rounded: list[int]) -> None:
    batch = fake.decode(Z)
    for place in (0, 2, 4):
        assert len(Pictures(Z[place : place + 2], batch[place : place + 2], batch, place).levels) == 2
    assert rounded == [6]
