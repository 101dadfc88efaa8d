"""Mixtures of Gaussians, which the vectors of a class are drawn from. Pure functions."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.latent.sampling import open_stream


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians.

    Attributes:
        means: `(components, latent_dim)` float32.
        roots: `(components, latent_dim, latent_dim)` float32, from `covariance_root`.
        bounds: The cumulative weights, the last 1: a number in [0, 1) picks the component of the first bound
            above it.
    """

    means: Floats
    roots: Floats
    bounds: Sequence[float]


def mix(means: Sequence[Floats], roots: Sequence[Floats], weights: Sequence[float]) -> Mixture:
    """Return a mixture of Gaussians.

    Args:
        means: `(latent_dim,)` each.
        roots: `(latent_dim, latent_dim)` each.
        weights: Above 0; only their ratios count.
    """
    bounds = np.cumsum(np.array(weights, np.float64))
    return Mixture(np.array(means), np.array(roots), (bounds / bounds[-1]).tolist())


def sample_mixture(mixture: Mixture, seed: int, temperature: float = 1.0, n: int = 1) -> Floats:
    """Draw vectors from a mixture whose components are N(mean, temperature² root rootᵀ).

    Args:
        mixture: The mixture.
        seed: In [0, 2**32); decides the components too.
        temperature: Scales the standard deviation; 0 gives a component's mean.
        n: How many; a smaller n gives the first of a larger one's.

    Returns:
        `(n, latent_dim)` float32.
    """
    stream, dim = open_stream(seed), mixture.means.shape[1]
    z = np.empty((n, dim), np.float32)
    for row in z:
        epsilon = stream.standard_normal(dim)
        # Of so few numbers, `searchsorted` takes ten times as long.
        i = bisect.bisect_right(mixture.bounds, stream.random_sample())
        root = mixture.roots[i] if temperature == 1 else temperature * mixture.roots[i]
        row[:] = mixture.means[i] + root @ epsilon
    return z


def covariance_root(covariance: NDArray[np.float64]) -> Floats:
    """Return the symmetric square root of a covariance matrix, which may be singular.

    Args:
        covariance: `(latent_dim, latent_dim)`, symmetric.

    Returns:
        `(latent_dim, latent_dim)` float32.

    Raises:
        ValueError: The matrix is not symmetric, or has an eigenvalue clearly below 0.
    """
    if not np.allclose(covariance, covariance.T):
        raise ValueError("covariance: expected a symmetric matrix")
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-6 * max(1.0, values[-1]):
        raise ValueError(f"covariance: expected no eigenvalue below 0, found {values[0]:.3g}")
    root: Floats = ((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T).astype(np.float32)
    return root
