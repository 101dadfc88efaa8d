"""Refine z_mean: a few steps from what the encoder says towards what the decoder says.

An encoder must guess the posterior of an image it has never seen, and over-fits long before the decoder does.
But the decoder can be asked: each step moves an image's own z_mean towards the optimum of its own ELBO
(semi-amortized inference: Kim et al. 2018, section 3). There is no randomness in it, and no gradient, so it
exports to ONNX. z_log_var stays what the encoder said: refined as well it gains a tenth of a nat, but then
machines no longer agree on it to 1e-5, because it changes over a distance that float32 hardly resolves.

A step leads into the basin that it starts in, and of one image in nine that is not the deepest (mnist-2d).
In one or two dimensions `choose_start` looks for it from the points of a grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import ops

from training.models.grid import rate

Tensor = Any
Decode = Callable[[Tensor], Tensor]

# Standard deviations from z_mean at which the decoder is asked. On 1,000 validation images two steps end
# within 0.03 nats from 1.4 to 3; but at 1.4 Keras and ONNX differ by twice what they do at 2.5.
RADIUS = 2.5


def refine(decode: Decode, x: Tensor, z_mean: Tensor, z_log_var: Tensor, steps: int) -> Tensor:
    """Improve z_mean for each image.

    Where the ELBO of a Gaussian q is stationary in its mean, the expected gradient of U(z) = -log p(x, z) is
    0 (Opper & Archambeau 2009, equation 6). Gradient and curvature are central differences of U over `RADIUS`
    standard deviations, wide enough to stand for q's expectation; a step is Newton's, dimension by dimension,
    and no longer than the radius.

    Args:
        decode: `z` `(batch, latent_dim)` to `x_logits` `(batch, height, width, channels)`.
        x: `(batch, height, width, channels)` float32 in [0, 1].
        z_mean: `(batch, latent_dim)` float32, where to start.
        z_log_var: `(batch, latent_dim)` float32.
        steps: How many; 0 changes nothing. Each decodes 2 latent_dim + 1 vectors an image.

    Returns:
        z_mean, shaped as it came.
    """
    latent_dim = z_mean.shape[1]
    radius = RADIUS * ops.exp(0.5 * z_log_var)
    offsets = radius[:, None, :] * ops.eye(latent_dim)
    for _ in range(steps):
        centre = z_mean[:, None, :]
        points = ops.concatenate([centre, centre + offsets, centre - offsets], axis=1)
        z_mean = z_mean - radius * _newton_step(_energy(decode, x, points), latent_dim)
    return z_mean


def choose_start(decode: Decode, x: Tensor, z_mean: Tensor, points: Tensor) -> Tensor:
    """Return where to begin: z_mean, or the best of some points where the image is likelier there.

    What the decoder makes of the points depends on no image: a runtime that folds constants does it once.

    Args:
        decode: As for `refine`.
        x: As for `refine`.
        z_mean: `(batch, latent_dim)` float32, what the encoder says.
        points: `(points, latent_dim)` float32, a grid.

    Returns:
        Starts, shaped as z_mean.
    """
    rated = rate(decode, x, points)
    # Keras' own argmax tells -0.0 from 0.0, by an operation that ONNX does not have.
    best = tf.gather(points, tf.argmax(rated, axis=1))
    better = ops.max(rated, axis=1, keepdims=True) > _rate_own(decode, x, z_mean)
    return ops.where(better, best, z_mean)


def measure_lead(decode: Decode, x: Tensor, z_mean: Tensor, points: Tensor) -> Tensor:
    """Return how far the start that `choose_start` takes is ahead of the next best: `(batch,)`, in nats.

    By a lead as small as float32's rounding, another machine may start elsewhere.
    """
    both = ops.concatenate([rate(decode, x, points), _rate_own(decode, x, z_mean)], axis=1)
    first, second = ops.split(ops.top_k(both, 2)[0], 2, axis=1)
    return (first - second)[:, 0]


def _rate_own(decode: Decode, x: Tensor, z_mean: Tensor) -> Tensor:
    """Return what `rate` says of each image at its own z_mean: `(batch, 1)`."""
    pixels = math.prod(x.shape[1:])
    x_logits, x = ops.reshape(decode(z_mean), (-1, pixels)), ops.reshape(x, (-1, pixels))
    loss = ops.sum(ops.softplus(x_logits) - x_logits * x, axis=1, keepdims=True)
    return -loss - 0.5 * ops.sum(ops.square(z_mean), axis=1, keepdims=True)


def _newton_step(energy: Tensor, latent_dim: int) -> Tensor:
    up, down = energy[:, 1 : 1 + latent_dim], energy[:, 1 + latent_dim :]
    slope, curvature = 0.5 * (up - down), up + down  # of U, in units of the radius
    # Were z_log_var right, the curvature would be RADIUS squared. Longer steps than that gives gain 0.1 nats,
    # and where U is flat or a ridge they magnify float32's rounding to more than 1e-5.
    return ops.clip(slope / ops.maximum(curvature, RADIUS**2), -1.0, 1.0)


def _energy(decode: Decode, x: Tensor, points: Tensor) -> Tensor:
    """Return U at `(batch, points, latent_dim)` less U at each row's first point: `(batch, points)`.

    The difference is taken pixel by pixel, before the sum: that of two sums would have lost two digits.
    """
    _, height, width, channels = x.shape
    pixels = height * width * channels
    count, latent_dim = points.shape[1:]
    x_logits = ops.reshape(decode(ops.reshape(points, (-1, latent_dim))), (-1, count, pixels))
    loss = ops.softplus(x_logits) - x_logits * ops.reshape(x, (-1, 1, pixels))
    prior = 0.5 * ops.sum(ops.square(points), axis=2)
    return ops.sum(loss - loss[:, :1], axis=2) + prior - prior[:, :1]
