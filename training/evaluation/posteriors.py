"""Encode a split, and say what its posteriors tell."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np

from training.data.datasets import Split, scale
from training.evaluation.likelihood import BATCH, Doubles, Floats, Labels

# Burda et al. 2016, section 5.2.
ACTIVE_VARIANCE = 0.01
# So many tell pictures apart, however many others are not used.
ENOUGH = 4
# Of the images encoded at a time, at most: an encoder that refines decodes 2 latent_dim + 1 pictures of each.
PIXELS = 500_000

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
    step = count_encoded(split.x.shape[1:])
    parts = [encoder(scale(split.x[i : i + step])) for i in range(0, len(split), step)]
    z_mean, z_log_var = (np.concatenate([part[name] for part in parts]) for name in ("z_mean", "z_log_var"))
    return Posteriors(z_mean, z_log_var, split.label)


def count_encoded(shape: tuple[int, ...]) -> int:
    """Count the images of a shape that are encoded at a time, so that memory is bounded."""
    return max(1, min(BATCH, PIXELS // math.prod(shape)))


def count_active(posteriors: Posteriors) -> int:
    """Count the dimensions whose z_mean has a variance over images above 0.01 (Burda et al. 2016, 5.2)."""
    return int((posteriors.z_mean.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE).sum())


def warn_of_collapse(active: int, latent_dim: int) -> str:
    """Return what to say of so few active dimensions; nothing if at least half of them are."""
    if 2 * active >= latent_dim:
        return ""
    found = f"{active} of {latent_dim} latent dimensions are active"
    if active >= ENOUGH:
        return f"{found}: pictures do not depend on the others, so a smaller --latent-dim would do"
    return (
        f"{found}: pictures hardly depend on z (posterior collapse). More --kl-warmup-steps, "
        "--free-bits 0.25, smaller batches or more epochs may help"
    )


def kl_by_dimension(posteriors: Posteriors) -> Doubles:
    """Return KL(q(z|x) || N(0, I)), not yet summed over dimensions: `(n, latent_dim)` float64, in nats."""
    mean, log_var = posteriors.z_mean.astype(np.float64), posteriors.z_log_var.astype(np.float64)
    # Kingma & Welling 2014, appendix B, before its sum.
    kl: Doubles = -0.5 * (1 + log_var - mean**2 - np.exp(log_var))
    return kl
