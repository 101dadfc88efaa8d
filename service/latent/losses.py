"""Losses of each picture: how far its reconstruction is from it. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats

# Decoders never mean exactly 0 or 1: float32 has rounded.
SMALLEST = 1e-7


def reconstruction_loss(x: Floats, reconstruction: Floats) -> NDArray[np.float64]:
    """Return -log p(x|z) under a Bernoulli for each pixel (Kingma & Welling 2014, appendix C.1).

    Args:
        x: `(batch, height, width, channels)` float32 in [0, 1].
        reconstruction: Of the same shape and range, the mean of p(x|z).

    Returns:
        `(batch,)` float64, nats per image, summed over pixels and channels.
    """
    p = np.clip(reconstruction.astype(np.float64), SMALLEST, 1 - SMALLEST)
    nats: NDArray[np.float64] = -(x * np.log(p) + (1 - x) * np.log1p(-p)).sum(axis=(1, 2, 3))
    return nats


def kl_divergence(z_mean: Floats, z_log_var: Floats) -> NDArray[np.float64]:
    """Return KL(q(z|x) || N(0, I)) (Kingma & Welling 2014, appendix B).

    Args:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.

    Returns:
        `(batch,)` float64, nats per image, summed over dimensions.
    """
    mean, log_var = z_mean.astype(np.float64), z_log_var.astype(np.float64)
    nats: NDArray[np.float64] = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)
    return nats


def mean_squared_error(x: Floats, reconstruction: Floats) -> NDArray[np.float64]:
    """Return the mean square of the difference, over the pixels and channels of each picture.

    Args:
        x: `(batch, height, width, channels)` float32 in [0, 1].
        reconstruction: Of the same shape and range.

    Returns:
        `(batch,)` float64 in [0, 1].
    """
    difference = x.astype(np.float64) - reconstruction
    error: NDArray[np.float64] = (difference**2).mean(axis=(1, 2, 3))
    return error
