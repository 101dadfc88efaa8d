"""Run a graph on blocks of rows that all have one size.

A GPU's libraries choose their kernels by the size of a batch, and kernels round differently. In blocks of one
size, what becomes of a row does not depend on what else is in its batch; and no size is ever the first of its
kind, which takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from service.core.arrays import Floats

Inputs = Mapping[str, Floats]
RunBlock = Callable[[Inputs], Sequence[Floats]]


def run_in_blocks(run: RunBlock, inputs: Inputs, block_rows: int) -> list[Floats]:
    """Return what a graph makes of rows.

    Args:
        run: Runs the graph on a block; called for one at a time.
        inputs: Arrays by name, at least one; each has the same number of rows, which is at least 1.
        block_rows: Rows of each block; the last one is filled up with zeros.
    """
    rows = len(next(iter(inputs.values())))
    blocks = [run(_cut(inputs, start, block_rows)) for start in range(0, rows, block_rows)]
    if len(blocks) == 1:
        return [output[:rows] for output in blocks[0]]
    return [np.concatenate(parts)[:rows] for parts in zip(*blocks, strict=True)]


def _cut(inputs: Inputs, start: int, block_rows: int) -> Inputs:
    return {name: _fill(array[start : start + block_rows], block_rows) for name, array in inputs.items()}


def _fill(rows: Floats, block_rows: int) -> Floats:
    if len(rows) == block_rows:
        return rows
    block = np.zeros((block_rows, *rows.shape[1:]), rows.dtype)
    block[: len(rows)] = rows
    return block
