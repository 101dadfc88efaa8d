"""Draw vectors from a seed: from the prior, and from posteriors."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats

_streams = threading.local()


def open_stream(seed: int | list[int]) -> np.random.RandomState:
    """Return a `RandomState(seed)`, valid until the same thread opens another one.

    Each thread seeds one object again and again, which takes 1.2 µs: creating one takes 63 µs, as it asks the
    system for entropy first.

    Args:
        seed: In [0, 2**32), or several such numbers.
    """
    stream = getattr(_streams, "one", None)
    if stream is None:
        stream = _streams.one = np.random.RandomState(seed)
    stream.seed(seed)
    return stream


def sample_normal(seed: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Draw standard normal numbers, which a seed decides for ever.

    The Mersenne Twister behind `RandomState` is the one generator whose numbers NumPy has frozen (NEP 19), so
    a URL with a seed keeps its picture across NumPy versions.

    Args:
        seed: In [0, 2**32).
        shape: The shape of the result.
    """
    draws: NDArray[np.float64] = open_stream(seed).standard_normal(shape)
    return draws


def sample_posterior(z_mean: Floats, z_log_var: Floats, seed: int) -> Floats:
    """Draw from q(z|x) = N(z_mean, diag(exp(z_log_var))) (Kingma & Welling 2014, section 2.4).

    Args:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.
        seed: In [0, 2**32).

    Returns:
        `(batch, latent_dim)` float32.
    """
    epsilon = sample_normal(seed, z_mean.shape)
    return (z_mean + np.exp(0.5 * z_log_var.astype(np.float64)) * epsilon).astype(np.float32)
