"""Owns the geometry of latent space: paths between vectors, samples from a seed. Pure functions."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.core.choices import Method

# Below this angle's sine, slerp's weights lose their digits, and the arc is a line to float32.
PARALLEL = 1e-6
# In few dimensions the prior is dense at its middle; in many, its mass lies on a shell, and a straight line
# between two samples leaves it (White 2016, section 2).
LERP_DIMS = 3
_streams = threading.local()


def interpolate(start: Floats, end: Floats, steps: int, method: Method) -> Floats:
    """Gives a path between two vectors, both included.

    Args:
        start: `(latent_dim,)` float32.
        end: `(latent_dim,)` float32.
        steps: Points on the path, at least 2.
        method: "lerp", a straight line, or "slerp" (Shoemake 1985), which turns the direction evenly and
            here interpolates the radius linearly. Where there is no one arc (a zero vector, parallel or
            opposite vectors), slerp is the straight line.

    Returns:
        `(steps, latent_dim)` float32; the first row is `start` and the last `end`, exactly.
    """
    t = np.linspace(0.0, 1.0, steps)[:, np.newaxis]
    a, b = start.astype(np.float64), end.astype(np.float64)
    path = _arc(a, b, t) if method == "slerp" else (1 - t) * a + t * b
    points = path.astype(np.float32)
    points[0], points[-1] = start, end
    return points


def default_method(latent_dim: int) -> Method:
    """Gives the method for a latent space of this size: lerp up to 3 dimensions, slerp above."""
    return "lerp" if latent_dim <= LERP_DIMS else "slerp"


def _arc(a: NDArray[np.float64], b: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    radii = np.linalg.norm(a), np.linalg.norm(b)
    if min(radii) == 0:
        return (1 - t) * a + t * b
    u, v = a / radii[0], b / radii[1]
    angle = np.arccos(np.clip(u @ v, -1.0, 1.0))
    if np.sin(angle) < PARALLEL:
        return (1 - t) * a + t * b
    direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    arc: NDArray[np.float64] = ((1 - t) * radii[0] + t * radii[1]) * direction
    return arc


def open_stream(seed: int) -> np.random.RandomState:
    """Gives the numbers that a seed decides, from the first on; good until the thread opens the next.

    Args:
        seed: In [0, 2**32).

    Returns:
        What `RandomState(seed)` is. A new one would first ask the system for entropy: 63 µs, where to seed
        one anew takes 1.2.
    """
    stream = getattr(_streams, "one", None)
    if stream is None:
        stream = _streams.one = np.random.RandomState(seed)
    stream.seed(seed)
    return stream


def sample_normal(seed: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Draws standard normal numbers that a seed decides for ever.

    The Mersenne Twister behind `RandomState` is the one stream that NumPy has frozen (NEP 19), so a URL
    with a seed keeps its picture across NumPy versions.

    Args:
        seed: In [0, 2**32).
        shape: Of the result.

    Returns:
        float64 of that shape.
    """
    draws: NDArray[np.float64] = open_stream(seed).standard_normal(shape)
    return draws


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Gaussians that a class is drawn from.

    Attributes:
        means: `(components, latent_dim)` float32.
        roots: `(components, latent_dim, latent_dim)` float32, from `covariance_root`.
        bounds: `(components,)` float64, rising: a number in [0, 1) below the first of them, or between two,
            picks a component.
    """

    means: Floats
    roots: Floats
    bounds: NDArray[np.float64]


def mix(means: Sequence[Floats], roots: Sequence[Floats], weights: Sequence[float]) -> Mixture:
    """Gives a mixture of Gaussians.

    Args:
        means: `(latent_dim,)` each.
        roots: `(latent_dim, latent_dim)` each.
        weights: Above 0; only their ratios count.

    Returns:
        The mixture.
    """
    bounds = np.cumsum(np.array(weights, np.float64))
    return Mixture(np.array(means), np.array(roots), bounds / bounds[-1])


def sample_mixture(mixture: Mixture, seed: int, temperature: float = 1.0, n: int = 1) -> Floats:
    """Draws from a mixture's components, N(mean, temperature² root rootᵀ).

    Args:
        mixture: Of a class.
        seed: In [0, 2**32); picks the components too.
        temperature: Scales the standard deviation; 0 gives a component's mean.
        n: How many; fewer are the first of more.

    Returns:
        `(n, latent_dim)` float32.
    """
    stream, z = open_stream(seed), np.empty((n, mixture.means.shape[1]), np.float32)
    for row in z:
        epsilon = stream.standard_normal(len(row))
        i = int(np.searchsorted(mixture.bounds, stream.random_sample(), side="right"))
        row[:] = mixture.means[i] + temperature * mixture.roots[i] @ epsilon
    return z


def sample_posterior(z_mean: Floats, z_log_var: Floats, seed: int) -> Floats:
    """Draws from q(z|x) = N(z_mean, diag(exp(z_log_var))) (Kingma & Welling 2014, section 2.4).

    Args:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.
        seed: In [0, 2**32).

    Returns:
        `(batch, latent_dim)` float32.
    """
    epsilon = sample_normal(seed, z_mean.shape)
    return (z_mean + np.exp(0.5 * z_log_var.astype(np.float64)) * epsilon).astype(np.float32)


def covariance_root(covariance: NDArray[np.float64]) -> Floats:
    """Gives the symmetric square root of a covariance matrix, singular ones too.

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
