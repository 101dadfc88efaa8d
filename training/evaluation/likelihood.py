"""Estimate log p(x), which the ELBO bounds from below, by importance sampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from training.data.datasets import Split, scale

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]
# Pictures of latent vectors, each with the label of its image; a model that takes none does not look at it.
Decode = Callable[[Floats, Labels], Floats]
# log p(z), or log p(z | label), of latent vectors with the labels of their images.
LogPrior = Callable[[Floats, Labels], Doubles]

BATCH = 500
# Decoded pictures in memory at a time, and their pixels, at most.
ROWS, PIXELS = 10_000, 8_000_000
# The decoder's file gives probabilities, not logits. Float32 cannot tell those above 1 - 6e-8 from 1, and
# a pixel that is wrong there would cost infinitely much; this bounds it at 16.1 nats.
SMALLEST = 1e-7
# Burda et al. 2016 estimate with 5,000 (section 5); these take a tenth of the time.
IMPORTANCE_SAMPLES = 500
# Labels other than an image's own carry little of p(x), so a tenth of the samples tells their part.
OTHER_LABELS_SHARE = 10


def importance_likelihoods(
    decode: Decode,
    z_mean: Floats,
    z_log_var: Floats,
    split: Split,
    samples: int,
    shares: Mapping[int, float] | None = None,
    seed: int = 0,
    prior: LogPrior | None = None,
) -> dict[str, float]:
    """Return `importance_likelihood`, and of a model that takes labels that given the label, by name.

    Args:
        decode: As for `importance_likelihood`.
        z_mean: As for `importance_likelihood`.
        z_log_var: As for `importance_likelihood`.
        split: The images.
        samples: As for `importance_likelihood`, or `marginal_likelihood` of a model that takes labels.
        shares: p(label) by label of a model that takes labels; None if it takes none.
        seed: Of epsilon.
        prior: What z comes from; unset: N(0, I).

    Returns:
        Nats per image.
    """
    given = decode, z_mean, z_log_var, split, samples
    if shares is None:
        return {"importance_likelihood": importance_likelihood(*given, seed, prior)}
    own, marginal = marginal_likelihood(*given, shares, seed, prior)
    return {"importance_likelihood": marginal, "conditional_importance_likelihood": own}


def importance_likelihood(
    decode: Decode,
    z_mean: Floats,
    z_log_var: Floats,
    split: Split,
    samples: int,
    seed: int = 0,
    prior: LogPrior | None = None,
) -> float:
    """Estimate -log p(x) by importance sampling from q(z|x) (Burda et al. 2016, equation 8).

    Args:
        decode: `z` and label to `image`.
        z_mean: `(n, latent_dim)` float32, of q(z|x).
        z_log_var: `(n, latent_dim)` float32.
        split: The images.
        samples: z drawn for each image; the more, the closer, always from above in expectation.
        seed: Of epsilon.
        prior: What z comes from; unset: N(0, I).

    Returns:
        The mean over all images of the split, in nats per image; of -log p(x | label) if the model takes
        labels.
    """
    return -float(estimate_log_evidence(decode, z_mean, z_log_var, split, samples, seed, prior).mean())


def marginal_likelihood(
    decode: Decode,
    z_mean: Floats,
    z_log_var: Floats,
    split: Split,
    samples: int,
    shares: Mapping[int, float],
    seed: int = 0,
    prior: LogPrior | None = None,
) -> tuple[float, float]:
    """Estimate -log p(x | label) and -log p(x) of a model that takes labels.

    p(x) is the sum of p(label) p(x | label) over all labels, each term estimated by importance sampling from
    q(z|x), which does not depend on the label.

    Args:
        decode: As for `importance_likelihood`.
        z_mean: As for `importance_likelihood`.
        z_log_var: As for `importance_likelihood`.
        split: The images.
        samples: z drawn for each image with its own label, and a tenth of them with each other label.
        shares: p(label), by label.
        seed: Of epsilon.
        prior: What z comes from, given the label; unset: N(0, I).

    Returns:
        -log p(x | label) and -log p(x): means over all images of the split, in nats per image.
    """
    own = estimate_log_evidence(decode, z_mean, z_log_var, split, samples, seed, prior)
    total = own + np.log([shares[int(label)] for label in split.label])
    for label, share in shares.items():
        rows = split.label != label
        part = Split(split.x[rows], np.full(rows.sum(), label))
        few = max(1, samples // OTHER_LABELS_SHARE)
        found = estimate_log_evidence(decode, z_mean[rows], z_log_var[rows], part, few, seed, prior)
        total[rows] = np.logaddexp(total[rows], found + math.log(share))
    return -float(own.mean()), -float(total.mean())


def estimate_log_evidence(
    decode: Decode,
    z_mean: Floats,
    z_log_var: Floats,
    split: Split,
    samples: int,
    seed: int,
    prior: LogPrior | None = None,
) -> Doubles:
    """Estimate log p(x), or log p(x | label), of each image as `importance_likelihood` does: `(n,)`."""
    random, dim = np.random.RandomState(seed), z_mean.shape[1]
    step = max(1, count_rows(split.x) // samples)
    found = np.empty(len(split))
    for i in range(0, len(split), step):
        mean, log_var = z_mean[i : i + step, np.newaxis], z_log_var[i : i + step, np.newaxis]
        epsilon = random.standard_normal((len(mean), samples, dim)).astype(np.float32)
        z = mean + np.exp(0.5 * log_var) * epsilon
        label = split.label[i : i + step]
        likelihood = _log_likelihood(decode, z, split.x[i : i + step], label)
        # log p(z) - log q(z|x); the constants of the two Gaussians are the same.
        weights = likelihood + 0.5 * (epsilon**2 + log_var - z**2).sum(axis=2)
        if prior is not None:
            weights = weights + _log_gain(prior, z, label)
        found[i : i + step] = log_sum_exp(weights) - math.log(samples)
    return found


def count_rows(x: NDArray[np.uint8]) -> int:
    """Count the pictures of this size that are decoded at a time, so that memory is bounded."""
    return max(1, min(ROWS, PIXELS // math.prod(x.shape[1:])))


def log_odds(decode: Decode, z: Floats, label: Labels) -> tuple[Floats, Floats]:
    """Return what makes log p(x|z) = on x + off: `(n, pixels)` and `(n,)` float32."""
    parts = []
    for i in range(0, len(z), BATCH):
        image = decode(z[i : i + BATCH], label[i : i + BATCH])
        p = np.clip(image.reshape(len(image), -1), SMALLEST, 1 - SMALLEST)
        black = np.log(1 - p)
        parts.append((np.log(p) - black, black.sum(axis=1)))
    on, off = (np.concatenate(each) for each in zip(*parts, strict=True))
    return on, off


def log_sum_exp(values: Floats | Doubles) -> Doubles:
    """Return log(sum(exp(values))) over the last axis."""
    largest = values.max(axis=-1).astype(np.float64)
    result: Doubles = largest + np.log(np.exp(values - largest[..., np.newaxis]).sum(axis=-1))
    return result


def log_normal(z: Floats) -> Doubles:
    """Return log p(z) under N(0, I) of `(n, latent_dim)`: `(n,)` float64."""
    squares: Doubles = (z.astype(np.float64) ** 2).sum(axis=1)
    density: Doubles = -0.5 * (squares + z.shape[1] * math.log(2 * math.pi))
    return density


def _log_gain(prior: LogPrior, z: Floats, label: Labels) -> Doubles:
    """Return by how much log p(z) is larger than under N(0, I), of `z` `(n, samples, latent_dim)`."""
    flat = z.reshape(-1, z.shape[2])
    gain: Doubles = prior(flat, label.repeat(z.shape[1])) - log_normal(flat)
    return gain.reshape(z.shape[:2])


def _log_likelihood(decode: Decode, z: Floats, x: NDArray[np.uint8], label: Labels) -> Floats:
    """Return log p(x|z) of `z` `(n, samples, latent_dim)` for `x` `(n, ...)`: `(n, samples)` float32."""
    n, samples, dim = z.shape
    on, off = log_odds(decode, z.reshape(-1, dim), label.repeat(samples))
    pixels: Floats = on.reshape(n, samples, -1) @ scale(x).reshape(n, -1, 1)
    return pixels[..., 0] + off.reshape(n, samples)
