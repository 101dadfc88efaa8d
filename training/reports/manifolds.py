"""Compare two sets of features by the manifolds that their neighbours span (Kynkäänniemi et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.evaluation.likelihood import Floats

# As in the paper, section 3.1.
NEIGHBOURS = 3
# Rows of distances in memory at a time.
ROWS = 500


def precision_recall(drawn: Floats, real: Floats, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Return how much of what is drawn is like the real, and how much of the real is drawn.

    A set's manifold is the union of balls about its members, each as wide as the distance to its k-th nearest
    other member (equation 1). Both depend on how many members the sets have, and on k.

    Args:
        drawn: `(n, features)`, n above `neighbours`.
        real: `(m, features)`, m above `neighbours`.
        neighbours: k.

    Returns:
        Precision, the share of drawn members in the real manifold, and recall, the share of real members in
        the drawn manifold (equation 2).
    """
    return _share_within(drawn, real, neighbours), _share_within(real, drawn, neighbours)


def _share_within(members: Floats, of: Floats, neighbours: int) -> float:
    # The nearest of all is the member itself, at 0.
    radius = np.concatenate(
        [np.partition(part, neighbours, axis=1)[:, neighbours] for part in _distances(of, of)]
    )
    inside = sum(int((part <= radius).any(axis=1).sum()) for part in _distances(members, of))
    return inside / len(members)


def _distances(one: Floats, other: Floats) -> Iterator[NDArray[np.float64]]:
    """Yield the squared distances of rows of one set to all of another, some rows at a time."""
    every = other.astype(np.float64)
    squares = (every**2).sum(axis=1)
    for i in range(0, len(one), ROWS):
        part = one[i : i + ROWS].astype(np.float64)
        yield (part**2).sum(axis=1)[:, np.newaxis] + squares - 2 * part @ every.T
