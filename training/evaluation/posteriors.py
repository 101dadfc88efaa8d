"""Encode a split, and say what its posteriors tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from training.data.datasets import Split, scale
from training.evaluation.likelihood import BATCH, Doubles, Floats, Labels

Function = Callable[[Floats], Mapping[str, Floats]]


@dataclasses.dataclass(frozen=True)
class Posteriors:
    """The parameters of q(z|x) over a split.

    Attributes:
        z_mean: `(n, latent_dim)` float32.
        z_log_var: `(n, latent_dim)` float32.
        label: `(n,)` int64.
    """

    z_mean: Floats
    z_log_var: Floats
    label: Labels


def encode(encoder: Function, split: Split) -> Posteriors:
    """Encode a split.

    Args:
        encoder: `x` to `z_mean` and `z_log_var`.
        split: The images.

    Returns:
        Their posteriors, in order.
    """
    parts = [encoder(scale(split.x[i : i + BATCH])) for i in range(0, len(split), BATCH)]
    z_mean, z_log_var = (np.concatenate([part[name] for part in parts]) for name in ("z_mean", "z_log_var"))
    return Posteriors(z_mean, z_log_var, split.label)


def kl_by_dimension(posteriors: Posteriors) -> Doubles:
    """Return KL(q(z|x) || N(0, I)), not yet summed over dimensions: `(n, latent_dim)` float64, in nats."""
    mean, log_var = posteriors.z_mean.astype(np.float64), posteriors.z_log_var.astype(np.float64)
    # Kingma & Welling 2014, appendix B, before its sum.
    kl: Doubles = -0.5 * (1 + log_var - mean**2 - np.exp(log_var))
    return kl
