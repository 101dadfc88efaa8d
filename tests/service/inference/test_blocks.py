from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from service.core.arrays import Floats
from service.inference.blocks import Inputs, run_in_blocks


class Graph:
    """Two outputs of two inputs; notes the blocks that it is given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[tuple[int, ...], ...]] = []

    def run(self, inputs: Inputs) -> Sequence[Floats]:
        self.shapes.append(tuple(array.shape for array in inputs.values()))
        return [inputs["z"] * 2, inputs["z"].sum(axis=1) + inputs["label"][:, 0]]


@pytest.mark.parametrize(("rows", "blocks"), [(1, 1), (7, 1), (8, 1), (9, 2), (16, 2), (30, 4)])
def test_each_block_has_one_size_and_each_row_its_own_result(rows: int, blocks: int) -> None:
    random = np.random.RandomState(rows)
    z, label = (random.standard_normal((rows, width)).astype(np.float32) for width in (3, 2))
    graph = Graph()
    doubled, sums = run_in_blocks(graph.run, {"z": z, "label": label}, 8)
    np.testing.assert_array_equal(doubled, z * 2)
    np.testing.assert_array_equal(sums, z.sum(axis=1) + label[:, 0])
    assert graph.shapes == [((8, 3), (8, 2))] * blocks


def test_the_last_block_is_filled_up_with_zeros() -> None:
    seen: list[Floats] = []

    def run(inputs: Inputs) -> Sequence[Floats]:
        seen.append(inputs["z"])
        return [inputs["z"]]

    run_in_blocks(run, {"z": np.ones((5, 2), np.float32)}, 4)
    np.testing.assert_array_equal(seen[1], [[1, 1], [0, 0], [0, 0], [0, 0]])
    assert {block.dtype for block in seen} == {np.dtype(np.float32)}
