"""The mixture of Gaussians that a model's latent vectors are drawn from, of all classes or of one.

Invariant: a smaller n gives the first of a larger one's. Every vector takes as many numbers from one stream,
and a vector of a class is kept or refused by itself.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.latent.sampling import open_stream

Doubles = NDArray[np.float64]

# A vector is of a class if the class has at least this share of the density there.
SURE = 0.99
# After so many refused in a row, the likeliest of them is taken.
TRIES = 16
# Multiplications: 140 vectors of 16 dimensions from 200 components, in 1.2 ms.
INLINE_COST = 2**22
# Numbers of the factors that are gathered at a time: 0.5 MB.
GATHERED = 2**16


@dataclasses.dataclass(frozen=True)
class Components:
    """Some components of a mixture, to draw from.

    Attributes:
        means: `(components, latent_dim)`.
        roots: `(components, latent_dim, latent_dim)`, the Cholesky factors of the covariances.
        edges: `(components - 1,)`, rising: a standard normal number picks the component of the first edge
            above it, or the last one.
    """

    means: Doubles
    roots: Doubles
    edges: Doubles

    def draw(self, numbers: Doubles, temperature: float) -> tuple[Doubles, NDArray[np.intp]]:
        """Turn standard normal numbers into vectors.

        Args:
            numbers: `(n, latent_dim + 1)`; the last of a row picks its component.
            temperature: Scales the standard deviation.

        Returns:
            `(n, latent_dim)`, and the component of each row.
        """
        picks = self.edges.searchsorted(numbers[:, -1], "right")
        z, epsilon = self.means[picks], temperature * numbers[:, :-1, np.newaxis]
        step = max(1, GATHERED // self.roots[0].size)
        for i in range(0, len(z), step):
            # A product a row, so that a row does not depend on how many there are.
            z[i : i + step] += np.matmul(self.roots[picks[i : i + step]], epsilon[i : i + step])[..., 0]
        return z, picks


class MixturePrior:
    """A mixture of Gaussians over latent space, whose components may each have a class.

    Attributes:
        labels: The classes, rising; empty if the components have none.
        dim: The number of latent dimensions.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Prepare to draw.

        Args:
            arrays: `weight`, `z_mean`, `cholesky` and `label`, as `bundles.prior` checks them.
        """
        count, self.dim = arrays["z_mean"].shape
        label = arrays.get("label", np.zeros(count, np.int64))
        # By class, so that each is a run.
        order = np.argsort(label, kind="stable")
        weight, means, roots = (
            arrays[name][order].astype(np.float64) for name in ("weight", "z_mean", "cholesky")
        )
        self._label: NDArray[np.int64] = label[order]
        self._all = _prepare(weight, means, roots)
        self._table = _density_table(weight, means, roots)
        self._pairs = np.triu_indices(self.dim)
        found, starts = np.unique(self._label, return_index=True)
        ends = [*starts[1:].tolist(), count]
        self._runs = {int(d): slice(int(i), j) for d, i, j in zip(found, starts, ends, strict=True)}
        self._parts = {d: _prepare(weight[run], means[run], roots[run]) for d, run in self._runs.items()}
        self.labels = tuple(self._runs) if "label" in arrays else ()
        self._weight = weight
        self._middles: dict[int, Floats] = {}

    def is_long(self, n: int) -> bool:
        """Tell whether so many vectors of a class take long to draw, more than 1 ms or so."""
        return n * self._table.size > INLINE_COST

    def sample(self, seed: int, temperature: float, n: int) -> tuple[Floats, NDArray[np.int64]]:
        """Draw vectors from the whole mixture.

        Args:
            seed: In [0, 2**32).
            temperature: Scales each component's standard deviation; 0 gives its mean.
            n: How many; a smaller n gives the first of a larger one's.

        Returns:
            `(n, latent_dim)` float32, and the class of each one's component, `(n,)`, 0 if there are none.
        """
        numbers = open_stream(seed).standard_normal((n, self.dim + 1))
        z, picks = self._all.draw(numbers, temperature)
        return z.astype(np.float32), self._label[picks]

    def draw(self, label: int, seed: int, temperature: float, n: int, *, sure: bool) -> Floats:
        """Draw vectors from the components of a class.

        Args:
            label: One of `labels`.
            seed: In [0, 2**32).
            temperature: Scales each component's standard deviation; 0 gives its mean.
            n: How many; a smaller n gives the first of a larger one's.
            sure: Whether to keep a vector only where p(label | z) is at least 0.99. Of 16 refused in a row,
                the likeliest is kept.

        Returns:
            `(n, latent_dim)` float32.
        """
        stream, part, width = open_stream(seed), self._parts[label], self.dim + 1
        if not sure:
            return part.draw(stream.standard_normal((n, width)), temperature)[0].astype(np.float32)
        chosen, kept = _Chosen(n), 0
        while (kept := len(chosen.kept)) < n:
            left = n - kept
            z, _ = part.draw(stream.standard_normal((left + left // 4, width)), temperature)
            chosen.add(z, self.tell(z, label))
        return np.array(chosen.kept, np.float32)

    def tell(self, z: Doubles, label: int) -> Doubles:
        """Return p(label | z) of vectors `(n, latent_dim)`: `(n,)`, in [0, 1]."""
        i, j = self._pairs
        log_density = np.concatenate([z[:, i] * z[:, j], z, np.ones((len(z), 1))], axis=1) @ self._table
        density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
        share: Doubles = density[:, self._runs[label]].sum(axis=1) / density.sum(axis=1)
        return share

    def find_middle(self, label: int) -> Floats:
        """Return the mean of the heaviest component of a class that is of this class, else of the surest."""
        if label not in self._middles:  # a path may go through a thousand
            run = self._runs[label]
            means, weight = self._all.means[run], self._weight[run]
            share = self.tell(means, label)
            heaviest = int(np.argmax(np.where(share >= min(SURE, share.max()), weight, 0)))
            middle: Floats = means[heaviest].astype(np.float32)
            middle.flags.writeable = False
            self._middles[label] = middle
        return self._middles[label]


class _Chosen:
    """Takes vectors in the order they are drawn, and keeps those that are of their class."""

    def __init__(self, n: int) -> None:
        self.kept: list[Doubles] = []
        self._n, self._refused, self._best = n, 0, (-1.0, np.empty(0))

    def add(self, z: Doubles, shares: Doubles) -> None:
        # Rounded, so that it does not hang on the last digits which of two is likelier.
        for row, share in zip(z, shares.round(6).tolist(), strict=True):
            if len(self.kept) == self._n:
                return
            if share > self._best[0]:
                self._best = share, row
            self._refused += 1
            if share >= SURE or self._refused == TRIES:
                self.kept.append(self._best[1] if share < SURE else row)
                self._refused, self._best = 0, (-1.0, np.empty(0))


def _prepare(weight: Doubles, means: Doubles, roots: Doubles) -> Components:
    bounds = np.cumsum(weight)[:-1] / weight.sum()
    quantile = statistics.NormalDist().inv_cdf
    # Rounding may make the share of the last component 0: then nothing picks it.
    edges = np.array([quantile(bound) if bound < 1 else np.inf for bound in bounds.tolist()], np.float64)
    return Components(means, roots, edges)


def _density_table(weight: Doubles, means: Doubles, roots: Doubles) -> Doubles:
    """Return what the products of pairs of z, z and 1 are multiplied by to give log weight N(z).

    Constants that all components share are left out.
    """
    dim = means.shape[1]
    inverse = np.linalg.inv(roots)
    precision = inverse.transpose(0, 2, 1) @ inverse
    linear = (precision @ means[..., np.newaxis])[..., 0]
    i, j = np.triu_indices(dim)
    pairs = -precision[:, i, j] * np.where(i == j, 0.5, 1.0)
    volume = np.log(roots.diagonal(axis1=1, axis2=2)).sum(axis=1)
    constant = np.log(weight) - volume - 0.5 * (linear * means).sum(axis=1)
    table: Doubles = np.concatenate([pairs, linear, constant[:, np.newaxis]], axis=1).T
    return np.ascontiguousarray(table)
