"""Measure a model under a mixture in the place of N(0, I): what its prior changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.data.datasets import Split
from training.evaluation.latent_mixture import Mixture
from training.evaluation.likelihood import Decode, LogPrior, importance_likelihoods
from training.models.encoding import Posteriors

# z drawn for each image to estimate the divergence from a mixture, which no formula gives.
KL_SAMPLES = 10


def measure_mixture(
    decode: Decode,
    posteriors: Posteriors,
    split: Split,
    mixture: Mixture,
    reconstruction_loss: float,
    samples: int,
    shares: Mapping[int, float] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the figures that depend on the prior, under a mixture in the place of N(0, I).

    Args:
        decode: `z` and label to `image`.
        posteriors: Of the split.
        split: Its images.
        mixture: The prior; of a model that takes labels, z comes from the components of the label.
        reconstruction_loss: As `measure` gives it.
        samples: As for `importance_likelihood`; 0 leaves the likelihoods out.
        shares: As for `estimate_likelihoods`.
        seed: Of epsilon.

    Returns:
        `kl_divergence`, the mean of log q(z|x) - log p(z) over `kl_samples` z for each image, which is a
        Monte Carlo estimate, and `negative_elbo`; with samples `importance_likelihood`, their number, and
        `conditional_importance_likelihood` of a model that takes labels. All in nats per image.
    """
    prior = _log_prior(mixture, conditional=shares is not None)
    kl = _estimate_kl(prior, posteriors, seed)
    found: dict[str, Any] = {
        "kl_divergence": kl,
        "kl_samples": KL_SAMPLES,
        "negative_elbo": reconstruction_loss + kl,
    }
    if not samples:
        return round_figures(found)
    found |= estimate_likelihoods_under(mixture, decode, posteriors, split, samples, shares, seed)
    return round_figures({**found, "importance_samples": samples})


def estimate_likelihoods_under(
    mixture: Mixture,
    decode: Decode,
    posteriors: Posteriors,
    split: Split,
    samples: int,
    shares: Mapping[int, float] | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Return `importance_likelihood`, and that given the label of a model that takes labels, under a mixture.

    Args:
        mixture: As for `measure_mixture`, like all others.
        decode: See there.
        posteriors: See there.
        split: See there.
        samples: Above 0.
        shares: See there.
        seed: Of epsilon.
    """
    prior = _log_prior(mixture, conditional=shares is not None)
    q = posteriors.z_mean, posteriors.z_log_var
    return importance_likelihoods(decode, *q, split, samples, shares, seed, prior)


def _log_prior(mixture: Mixture, *, conditional: bool) -> LogPrior:
    return lambda z, label: mixture.log_density(z, label if conditional else None)


def _estimate_kl(prior: LogPrior, posteriors: Posteriors, seed: int) -> float:
    random, total = np.random.RandomState(seed), 0.0
    mean, log_var = (part.astype(np.float64) for part in (posteriors.z_mean, posteriors.z_log_var))
    entropy = 0.5 * (np.log(2 * np.pi * np.e) + log_var).sum(axis=1).mean()
    for _ in range(KL_SAMPLES):
        z = mean + np.exp(0.5 * log_var) * random.standard_normal(mean.shape)
        total += float(prior(z.astype(np.float32), posteriors.label).mean())
    return -float(entropy) - total / KL_SAMPLES


def round_figures(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures with four digits after the point."""
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}
