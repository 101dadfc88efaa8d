"""The atlas of a model: where the encoder puts the test images, and which of them are nearest to a vector."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

# One point of so many bounds the distance of the nearest.
SPARSE = 16


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The points of the atlas that are nearest to each vector, the nearest first.

    Attributes:
        index: `(batch, k)` int64, row numbers in the atlas.
        label: `(batch, k)` int64.
        distance: `(batch, k)` float64, Euclidean.
    """

    index: NDArray[np.int64]
    label: NDArray[np.int64]
    distance: NDArray[np.float64]


class Atlas:
    """Labelled points of latent space.

    Attributes:
        z_mean: `(n, latent_dim)` float32.
        label: `(n,)` int64.
        widest: The two dimensions along which the points vary most, in rising order; (0, 1) of one dimension.
    """

    def __init__(self, z_mean: NDArray[np.float32], label: NDArray[np.int64]) -> None:
        self.z_mean = z_mean
        self.label = label
        # In double precision, so that only true ties are decided by rounding.
        self._points = z_mean.astype(np.float64)
        self._squares = (self._points**2).sum(axis=1)
        self.widest = _find_widest(self._points)

    def nearest(self, z: NDArray[np.float32], k: int) -> Neighbours:
        """Return the points nearest to each vector; of equally near points, the earlier one first.

        Args:
            z: `(batch, latent_dim)` float32.
            k: How many; at most as many as the atlas has.
        """
        k = min(k, len(self._points))
        index = np.stack([self._search(row, k) for row in z.astype(np.float64)])
        distance = np.linalg.norm(self._points[index] - z[:, np.newaxis], axis=2)
        order = np.lexsort((index, distance))
        index, distance = (np.take_along_axis(a, order, axis=1) for a in (index, distance))
        return Neighbours(index, self.label[index], distance)

    def _search(self, row: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        # Squared distances less the square of `row`, which is the same for all: one product, no n
        # differences.
        squares = self._squares - 2 * (self._points @ row)
        # The k-th nearest of some is no nearer than that of all, and few are as near: of all points, the
        # partition would take four times as long as the rest.
        some = squares[:: max(1, min(SPARSE, len(squares) // k))]
        near = (squares <= np.partition(some, k - 1)[k - 1]).nonzero()[0]
        nearest = squares[near]
        last = np.partition(nearest, k - 1)[k - 1]
        nearer, tied = near[nearest < last], near[nearest == last]
        return np.concatenate([nearer, tied[: k - len(nearer)]])

    @functools.cached_property
    def plane(self) -> NDArray[np.float64]:
        """The points in a plane, `(n, 2)` float64.

        Two dimensions stay as they are, one becomes the first axis, and more are projected on their two
        principal axes.
        """
        n, dim = self._points.shape
        if dim <= 2:
            return np.concatenate([self._points, np.zeros((n, 2 - dim))], axis=1)
        centred = self._points - self._points.mean(axis=0)
        _, axes = np.linalg.eigh(centred.T @ centred)
        plane = axes[:, :-3:-1]
        # An axis has no sign of its own: the larger part of it points upwards.
        plane = plane * np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
        projected: NDArray[np.float64] = centred @ plane
        return projected


def _find_widest(points: NDArray[np.float64]) -> tuple[int, int]:
    # A dimension that a model does not use has all points near 0. Rounding must not decide between equals.
    ranks = np.argsort(-points.var(axis=0).round(6), kind="stable")[:2]
    return (0, 1) if len(ranks) < 2 else (int(min(ranks)), int(max(ranks)))
