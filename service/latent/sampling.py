"""Owns the geometry of latent space: paths between vectors, samples from a seed. Pure functions."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats

_streams = threading.local()


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
