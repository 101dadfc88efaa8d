from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from service.imaging.figures.components import Mask, find_runs, label_components, paint


def flood(mask: Mask) -> list[list[tuple[int, int]]]:
    """Find the connected parts of a mask the slow way."""
    left = {(int(r), int(c)) for r, c in np.argwhere(mask)}
    parts = []
    while left:
        part, edge = [], [left.pop()]
        while edge:
            row, column = edge.pop()
            part.append((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            edge += near
        parts.append(sorted(part))
    return sorted(parts)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()))
def test_parts_are_those_that_a_flood_finds(mask: Mask) -> None:
    parts = label_components(mask)
    found = []
    for label in range(len(parts.area)):
        painted = parts.paint(np.arange(len(parts.area)) == label, len(mask))
        found.append(sorted((int(r), int(c)) for r, c in np.argwhere(painted)))
        assert parts.area[label] == len(found[-1])
        rows, columns = zip(*found[-1], strict=True)
        box = parts.top[label], parts.left[label], parts.bottom[label], parts.right[label]
        assert box == (min(rows), min(columns), max(rows) + 1, max(columns) + 1)
    assert sorted(found) == flood(mask)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()))
def test_values_are_summed_and_spread_by_part(mask: Mask) -> None:
    values = np.random.RandomState(0).random(mask.shape).astype(np.float32)
    parts = label_components(mask)
    numbers = np.arange(1, len(parts.area) + 1)
    painted = parts.spread(numbers.astype(np.float64), len(mask))
    assert ((painted > 0) == mask).all()
    for label, total in enumerate(parts.sum(values)):
        assert total == pytest.approx(float(values[painted == label + 1].sum()), rel=1e-4)


def test_runs_come_in_reading_order_and_can_be_painted() -> None:
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
    runs = find_runs(mask)
    assert list(zip(runs.row, runs.start, runs.stop, strict=True)) == [(0, 0, 2), (0, 3, 4), (2, 0, 4)]
    np.testing.assert_array_equal(paint(runs, runs.length > 1, 3)[0], [True, True, False, False])
