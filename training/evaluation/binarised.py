"""Measure images whose pixels are drawn black or white by their grey: the scale of the literature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.data.datasets import Split
from training.evaluation.latent_mixture import Mixture
from training.evaluation.likelihood import Decode
from training.evaluation.metrics import estimate_likelihoods
from training.evaluation.mixture_figures import estimate_likelihoods_under, round_figures
from training.models.encoding import Function, encode


def binarise(split: Split, seed: int = 0) -> Split:
    """Draw each pixel as 255 with the probability of its grey, else as 0 (Salakhutdinov & Murray 2008).

    Args:
        split: Grey images.
        seed: Of the draws.
    """
    white = np.random.RandomState(seed).random_sample(split.x.shape) < split.x / 255.0
    return Split(white.astype(np.uint8) * np.uint8(255), split.label)


def measure_binarised(
    encoder: Function,
    decode: Decode,
    split: Split,
    samples: int,
    shares: Mapping[int, float] | None = None,
    mixture: Mixture | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the likelihoods of a split that is drawn black and white.

    An image costs less so than in grey, for there a pixel of half light costs a bit at least.

    Args:
        encoder: `x` to `z_mean` and `z_log_var`; it has been trained on grey images.
        decode: `z` and label to `image`.
        split: Grey images.
        samples: As for `metrics.estimate_likelihoods`, above 0.
        shares: As for `metrics.estimate_likelihoods`.
        mixture: The prior, if it is not N(0, I).
        seed: Of the pixels and of epsilon.

    Returns:
        What `metrics.estimate_likelihoods` gives under N(0, I), and with a mixture `mixture_prior`, the
        importance likelihoods under it; in nats per image.
    """
    drawn = binarise(split, seed)
    posteriors = encode(encoder, drawn)
    found = round_figures(estimate_likelihoods(decode, posteriors, drawn, samples, shares, seed))
    if mixture is None:
        return found
    under = estimate_likelihoods_under(mixture, decode, posteriors, drawn, samples, shares, seed)
    return {**found, "mixture_prior": round_figures(under)}
