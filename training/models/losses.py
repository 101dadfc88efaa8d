"""The loss parts of a VAE, in nats per image; pure functions of arrays."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

Tensor = Any


def reconstruction_loss(x: Tensor, x_logits: Tensor) -> Tensor:
    """Return -log p(x|z) under a Bernoulli likelihood, summed over pixels.

    For grey pixels it is the cross-entropy that treats x as a probability. It is computed from logits,
    as log(1 + exp(l)) - l x, which overflows nowhere.

    Args:
        x: `(batch, height, width, channels)` float32 in [0, 1].
        x_logits: Same shape, float32, log-odds of each pixel.

    Returns:
        `(batch,)` float32, nats per image (Kingma & Welling 2014, appendix C.1).
    """
    return ops.sum(ops.softplus(x_logits) - x_logits * x, axis=(1, 2, 3))


def kl_divergence(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """Return KL(q(z|x) || N(0, I)) of a diagonal Gaussian, summed over latent dimensions.

    Args:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.

    Returns:
        `(batch,)` float32, nats per image (Kingma & Welling 2014, appendix B).
    """
    return ops.sum(kl_by_dimension(z_mean, z_log_var), axis=1)


def kl_by_dimension(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """Return the terms that `kl_divergence` sums: `(batch, latent_dim)` float32, nats."""
    return -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))


def negative_entropy(z_log_var: Tensor) -> Tensor:
    """Return E log q(z|x) of a diagonal Gaussian: `(batch,)` float32, nats per image."""
    return -0.5 * ops.sum(1 + math.log(2 * math.pi) + z_log_var, axis=1)


def kl_above(z_mean: Tensor, z_log_var: Tensor, free_bits: float) -> Tensor:
    """Return the KL divergence that counts where some of each dimension's is free.

    Kingma et al. 2016 (appendix C.8) compare the mean over a batch; here it is each image's own, so that a
    step does not depend on how replicas share a batch.

    Args:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.
        free_bits: Nats in each dimension below which there is nothing to gain.

    Returns:
        `(batch,)` float32, nats per image.
    """
    return ops.sum(ops.maximum(kl_by_dimension(z_mean, z_log_var), free_bits), axis=1)


def negative_elbo(reconstruction: Tensor, kl: Tensor, beta: float = 1.0) -> Tensor:
    """Return the loss of each image: reconstruction_loss + beta kl_divergence.

    Args:
        reconstruction: `(batch,)` float32, from `reconstruction_loss`.
        kl: `(batch,)` float32, from `kl_divergence`.
        beta: Weight of the KL term; 1 gives the bound of Kingma & Welling 2014, equation 3, with its
            sign turned; others the beta-VAE's (Higgins et al. 2017, equation 4).

    Returns:
        `(batch,)` float32, nats per image.
    """
    return reconstruction + beta * kl
