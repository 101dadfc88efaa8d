"""A mixture of Gaussians in the place of N(0, I), trained with encoder and decoder."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.models.gaussians import count_components, fit_gaussians

Tensor = Any
Labels = NDArray[np.int64]
Doubles = NDArray[np.float64]


class MixturePrior(keras.layers.Layer):
    """log p(z) of Gaussians that each belong to a label, or all to one that stands for any.

    Each is held as a lower triangle A, whose diagonal is held as its logarithm, and an offset b: its density
    is that of A z - b under N(0, I), times the determinant of A. No inverse is taken while it is trained. No
    variable has two dimensions: those are Muon's, which is made for what multiplies activations.
    """

    def __init__(self, of_label: Labels, dim: int, **kwargs: Any) -> None:
        """Make as many Gaussians, all N(0, I), as have a label.

        Args:
            of_label: `(k,)`, the place of each one's label among the labels.
            dim: Of z.
            **kwargs: Passed to `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        k = len(of_label)
        self.of_label, self.dim = of_label, dim
        self.factor = self.add_weight(shape=(k, dim, dim), initializer="zeros", name="factor")
        self.offset = self.add_weight(shape=(k, 1, dim), initializer="zeros", name="offset")
        self.log_weight = self.add_weight(shape=(k,), initializer="zeros", name="log_weight")
        self.built = True

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z).

        Args:
            z: `(batch, dim)` float32.

        Returns:
            `(batch,)` float32, nats.
        """
        weight = ops.log_softmax(self.log_weight)
        # (k, j, i) to (i, k j): one product gives A z of all Gaussians.
        flat = ops.reshape(ops.transpose(self._triangles(), (2, 0, 1)), (self.dim, -1))
        at = ops.reshape(ops.matmul(z, flat), (-1, len(self.of_label), self.dim)) - self.offset[:, 0]
        parts = weight + ops.trace(self.factor, axis1=1, axis2=2) - 0.5 * ops.sum(ops.square(at), axis=2)
        constant = 0.5 * self.dim * math.log(2 * math.pi)
        return ops.logsumexp(parts, axis=1) - constant

    def assign(self, weight: Doubles, z_mean: Doubles, cholesky: Doubles) -> None:
        """Set the Gaussians.

        Args:
            weight: `(k,)`, of sum 1.
            z_mean: `(k, dim)`.
            cholesky: `(k, dim, dim)`, lower triangular factors of their covariances.
        """
        triangles = np.linalg.inv(cholesky)
        logs = np.log(triangles.diagonal(axis1=1, axis2=2))
        self.factor.assign(np.tril(triangles, -1) + logs[:, :, np.newaxis] * np.eye(self.dim))
        self.offset.assign(np.einsum("kji,ki->kj", triangles, z_mean)[:, np.newaxis])
        self.log_weight.assign(np.log(weight))

    def arrays(self) -> dict[str, Doubles]:
        """Return `weight`, `z_mean` and `cholesky`, as `assign` takes them."""
        cholesky = np.tril(np.linalg.inv(np.asarray(self._triangles(), np.float64)))
        z_mean = np.einsum("kij,kj->ki", cholesky, np.asarray(self.offset, np.float64)[:, 0])
        weight = np.exp(np.asarray(ops.log_softmax(self.log_weight), np.float64))
        return {"weight": weight / weight.sum(), "z_mean": z_mean, "cholesky": cholesky}

    def sum_weights(self) -> Tensor:
        """Return a scalar that depends on every variable, for a loss that must have a gradient for each."""
        return sum(ops.sum(variable) for variable in self.trainable_variables)

    def _triangles(self) -> Tensor:
        logs = ops.diagonal(self.factor, axis1=1, axis2=2)
        below = self.factor * np.tril(np.ones((self.dim, self.dim), np.float32), -1)
        return below + ops.exp(logs)[:, :, None] * np.eye(self.dim, dtype=np.float32)


def place_components(label: Labels, dim: int) -> Labels:
    """Return for each Gaussian the place of its label among the labels of the images, rising."""
    images = np.unique(label, return_counts=True)[1]
    return np.repeat(np.arange(len(images)), count_components(images, dim))


def fit_prior(prior: MixturePrior, z: Doubles, label: Labels, seed: int) -> None:
    """Set the Gaussians to where vectors lie, those of each label by themselves.

    Args:
        prior: Made for these labels.
        z: `(n, dim)`, one of each image.
        label: `(n,)`.
        seed: Of the starts.
    """
    counts, parts = np.bincount(prior.of_label), []
    for count, each in zip(counts.tolist(), np.unique(label).tolist(), strict=True):
        own = z[label == each]
        # One image makes no Gaussian; two of the same one do.
        weight, *rest = fit_gaussians(np.tile(own, (2, 1)) if len(own) == 1 else own, count, seed)
        parts.append((weight * len(own) / len(z), *rest))
    prior.assign(*(np.concatenate(part) for part in zip(*parts, strict=True)))
