"""Estimate log p(x), which the ELBO bounds from below: by importance sampling and by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.data.datasets import Split, scale

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]
# Pictures of latent vectors, each with the label of its image; a model that takes none does not look at it.
Decode = Callable[[Floats, Labels], Floats]

BATCH = 500
# Vectors whose pictures are in memory at a time, about.
ROWS = 10_000
# The decoder's file gives probabilities, not logits. Float32 cannot tell those above 1 - 6e-8 from 1, and
# a pixel that is wrong there would cost infinitely much; this bounds it at 16.1 nats.
SMALLEST = 1e-7
# Burda et al. 2016 estimate with 5,000 (section 5); these take a tenth of the time.
IMPORTANCE_SAMPLES = 500
# The grid of `exact_likelihood`: 161 points a side lie 0.056 apart, half of the narrowest posteriors' width.
GRID_EDGE, GRID_POINTS = 4.5, 161


def importance_likelihood(
    decode: Decode, z_mean: Floats, z_log_var: Floats, split: Split, samples: int, seed: int = 0
) -> float:
    """Estimate -log p(x) by importance sampling from q(z|x) (Burda et al. 2016, equation 8).

    Args:
        decode: `z` and label to `image`.
        z_mean: `(n, latent_dim)` float32, of q(z|x).
        z_log_var: `(n, latent_dim)` float32.
        split: The images.
        samples: z drawn for each image; the more, the closer, always from above in expectation.
        seed: Of epsilon.

    Returns:
        The mean over all images of the split, in nats per image.
    """
    random, n, dim = np.random.RandomState(seed), len(split), z_mean.shape[1]
    step, total = max(1, ROWS // samples), 0.0
    for i in range(0, n, step):
        mean, log_var = z_mean[i : i + step, np.newaxis], z_log_var[i : i + step, np.newaxis]
        epsilon = random.standard_normal((len(mean), samples, dim)).astype(np.float32)
        z = mean + np.exp(0.5 * log_var) * epsilon
        likelihood = _log_likelihood(decode, z, split.x[i : i + step], split.label[i : i + step])
        # log p(z) - log q(z|x); the constants of the two Gaussians are the same.
        weights = likelihood + 0.5 * (epsilon**2 + log_var - z**2).sum(axis=2)
        total += len(weights) * math.log(samples) - float(_log_sum_exp(weights).sum())
    return total / n


def exact_likelihood(decode: Decode, split: Split) -> float:
    """Return -log p(x) of a model of two latent dimensions, by quadrature over an even grid.

    Args:
        decode: `z` `(batch, 2)` and label to `image`.
        split: The images.

    Returns:
        The mean over all images of the split, in nats per image. Outside of the grid lie 1.4e-5 of the prior.
    """
    steps = np.linspace(-GRID_EDGE, GRID_EDGE, GRID_POINTS)
    z = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype(np.float32)
    mass = np.exp(-0.5 * (z.astype(np.float64) ** 2).sum(axis=1))
    log_mass, total = np.log(mass / mass.sum()).astype(np.float32), 0.0
    for label in np.unique(split.label):
        on, off = _log_odds(decode, z, np.full(len(z), label))
        x = scale(split.x[split.label == label]).reshape(-1, on.shape[1])
        for i in range(0, len(x), BATCH):
            total -= float(_log_sum_exp(x[i : i + BATCH] @ on.T + off + log_mass).sum())
    return total / len(split)


def _log_likelihood(decode: Decode, z: Floats, x: NDArray[np.uint8], label: Labels) -> Floats:
    """Return log p(x|z) of `z` `(n, samples, latent_dim)` for `x` `(n, ...)`: `(n, samples)` float32."""
    n, samples, dim = z.shape
    on, off = _log_odds(decode, z.reshape(-1, dim), label.repeat(samples))
    pixels: Floats = on.reshape(n, samples, -1) @ scale(x).reshape(n, -1, 1)
    return pixels[..., 0] + off.reshape(n, samples)


def _log_odds(decode: Decode, z: Floats, label: Labels) -> tuple[Floats, Floats]:
    """Return what makes log p(x|z) = on x + off: `(n, pixels)` and `(n,)` float32."""
    parts = []
    for i in range(0, len(z), BATCH):
        image = decode(z[i : i + BATCH], label[i : i + BATCH])
        p = np.clip(image.reshape(len(image), -1), SMALLEST, 1 - SMALLEST)
        black = np.log(1 - p)
        parts.append((np.log(p) - black, black.sum(axis=1)))
    on, off = (np.concatenate(each) for each in zip(*parts, strict=True))
    return on, off


def _log_sum_exp(values: Floats) -> Doubles:
    largest = values.max(axis=1).astype(np.float64)
    result: Doubles = largest + np.log(np.exp(values - largest[:, np.newaxis]).sum(axis=1))
    return result
