"""Measure a model over a whole split.

One path for all: the networks come as functions of arrays, so the exported files are measured the same way
as Keras' own networks, and the figures in a bundle are those of its files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.datasets import Split
from training.evaluation.latent_mixture import Mixture
from training.evaluation.likelihood import (
    BATCH,
    IMPORTANCE_SAMPLES,
    SMALLEST,
    Decode,
    Doubles,
    Floats,
    Labels,
    importance_likelihoods,
)
from training.evaluation.mixture_figures import measure_mixture, round_figures
from training.evaluation.neighbours import knn_accuracy
from training.evaluation.posteriors import count_active, kl_by_dimension
from training.evaluation.quadrature import QuadratureError, exact_likelihood
from training.models.encoding import Function, Posteriors, encode

# By so many nats an exact likelihood may lie above its estimate from above, which is drawn at random.
SLACK = 0.05


def measure(decode: Decode, posteriors: Posteriors, split: Split, seed: int = 0) -> dict[str, float]:
    """Return the loss parts, with one z drawn for each image.

    Args:
        decode: `z` and label to `image`.
        posteriors: Of the split.
        split: The images.
        seed: Of epsilon.

    Returns:
        `reconstruction_loss`, `kl_divergence` and `negative_elbo`: means over all images of the split, in
        nats per image (Kingma & Welling 2014, equation 7 with L = 1 and appendix B).
    """
    epsilon = np.random.RandomState(seed).standard_normal(posteriors.z_mean.shape)
    z = (posteriors.z_mean + np.exp(0.5 * posteriors.z_log_var) * epsilon).astype(np.float32)
    total = 0.0
    for i in range(0, len(split), BATCH):
        image = decode(z[i : i + BATCH], split.label[i : i + BATCH])
        total += float(cross_entropy(split.x[i : i + BATCH], image).sum())
    kl = kl_by_dimension(posteriors).sum(axis=1)
    reconstruction, kl_divergence = total / len(split), float(kl.mean())
    return {
        "reconstruction_loss": reconstruction,
        "kl_divergence": kl_divergence,
        "negative_elbo": reconstruction + kl_divergence,
    }


def cross_entropy(x: NDArray[np.uint8], image: Floats) -> Doubles:
    """Return -log p(x|z) of pictures, as `losses.reconstruction_loss` does from logits.

    Args:
        x: `(n, height, width, channels)` uint8.
        image: The decoder's, shaped alike, float32 in [0, 1].

    Returns:
        `(n,)` float64, nats per image.
    """
    p, light = np.clip(image.astype(np.float64), SMALLEST, 1 - SMALLEST), x / 255.0
    losses: Doubles = -(light * np.log(p) + (1 - light) * np.log1p(-p)).sum(axis=(1, 2, 3))
    return losses


def entropy_floor(x: NDArray[np.uint8]) -> float:
    """Return what `reconstruction_loss` cannot fall below: it is the entropy of each pixel's grey.

    Args:
        x: `(n, height, width, channels)` uint8.

    Returns:
        The mean over all images, in nats per image; 0 of black and white ones.
    """
    counts = np.bincount(x.ravel(), minlength=256)
    light = np.arange(1, 255) / 255.0
    entropy = -light * np.log(light) - (1 - light) * np.log1p(-light)
    return float(counts[1:255] @ entropy) / len(x)


def evaluate(
    encoder: Function,
    decode: Decode,
    train: Split,
    other: Split,
    name: str,
    seed: int = 0,
    samples: int = IMPORTANCE_SAMPLES,
    *,
    conditional: bool = False,
    mixture: Mixture | None = None,
) -> dict[str, Any]:
    """Return all figures of a split.

    Args:
        encoder: `x` to `z_mean` and `z_log_var`.
        decode: `z` and label to `image`.
        train: The training split, for the neighbours.
        other: The split to measure.
        name: Of that split.
        seed: Of epsilon.
        samples: Of `importance_likelihood`; 0 leaves all likelihoods out, which take minutes on MNIST.
        conditional: Whether the decoder looks at the labels.
        mixture: The prior, if it is not N(0, I).

    Returns:
        `reconstruction_loss`, `kl_divergence`, `negative_elbo`, and what `estimate_likelihoods` gives, all in
        nats per image, as is `entropy_floor`; `knn_accuracy` in [0, 1], `split`, the numbers of
        `active_dimensions`, `images` and `importance_samples`, and with a mixture `mixture_prior`, what
        `measure_mixture` gives.
    """
    q = encode(encoder, train), encode(encoder, other)
    return figures(decode, *q, other, name, seed, samples, conditional=conditional, mixture=mixture)


def figures(
    decode: Decode,
    train: Posteriors,
    posteriors: Posteriors,
    split: Split,
    name: str,
    seed: int = 0,
    samples: int = IMPORTANCE_SAMPLES,
    *,
    conditional: bool = False,
    mixture: Mixture | None = None,
) -> dict[str, Any]:
    """Return what `evaluate` returns, of splits that are encoded already.

    Args:
        decode: `z` and label to `image`.
        train: Of the training split.
        posteriors: Of the split to measure.
        split: Its images.
        name: Its name.
        seed: Of epsilon.
        samples: As for `evaluate`.
        conditional: As for `evaluate`.
        mixture: As for `evaluate`.

    Returns:
        As `evaluate`.
    """
    values: dict[str, Any] = {**measure(decode, posteriors, split, seed)}
    shares = find_shares(train.label) if conditional else None
    if samples:
        values |= estimate_likelihoods(decode, posteriors, split, samples, shares, seed)
    values["entropy_floor"] = entropy_floor(split.x)
    values["knn_accuracy"] = knn_accuracy(train, posteriors)
    values["active_dimensions"] = count_active(posteriors)
    found = {**round_figures(values), "split": name, "images": len(split), "importance_samples": samples}
    if mixture is None:
        return found
    loss = values["reconstruction_loss"]
    return {
        **found,
        "mixture_prior": measure_mixture(decode, posteriors, split, mixture, loss, samples, shares),
    }


def estimate_likelihoods(
    decode: Decode,
    posteriors: Posteriors,
    split: Split,
    samples: int,
    shares: Mapping[int, float] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the likelihoods of a split, in nats per image.

    Args:
        decode: `z` and label to `image`.
        posteriors: Of the split.
        split: The images.
        samples: As for `importance_likelihood`.
        shares: p(label) by label of a model that takes labels; None if it takes none.
        seed: Of epsilon.

    Returns:
        `importance_likelihood`, an estimate of -log p(x) from above, and for two latent dimensions
        `exact_likelihood` with `exact_likelihood_error`, what halving the grid's spacing changes; or
        `exact_likelihood_withheld`, which says why there is none. Of a model that takes labels also
        `conditional_importance_likelihood` and `conditional_exact_likelihood`, of -log p(x | label).
    """
    q = posteriors.z_mean, posteriors.z_log_var
    found: dict[str, Any] = importance_likelihoods(decode, *q, split, samples, shares, seed)
    if posteriors.z_mean.shape[1] == 2:
        found |= _integrate(decode, posteriors, split, shares, found["importance_likelihood"])
    return found


def _integrate(
    decode: Decode, posteriors: Posteriors, split: Split, shares: Mapping[int, float] | None, bound: float
) -> dict[str, Any]:
    try:
        exact = exact_likelihood(decode, posteriors.z_mean, posteriors.z_log_var, split, shares)
    except QuadratureError as error:
        return {"exact_likelihood_withheld": str(error)}
    if exact.marginal > bound + exact.error + SLACK:
        why = f"the quadrature came to {exact.marginal:.2f}, above the estimate from above, {bound:.2f}"
        return {"exact_likelihood_withheld": why}
    given = {} if shares is None else {"conditional_exact_likelihood": exact.conditional}
    return {"exact_likelihood": exact.marginal, "exact_likelihood_error": exact.error, **given}


def find_shares(label: Labels) -> dict[int, float]:
    """Return the share of each label, by label."""
    values, counts = np.unique(label, return_counts=True)
    return {int(value): float(count / len(label)) for value, count in zip(values, counts, strict=True)}
