"""An even grid over latent space: what every one of its points says of every image, in one matrix product.

log p(x, z) of a Bernoulli likelihood is linear in x, once z is decoded. So a grid, decoded once, rates any
image at all its points: to find where to begin the search for its posterior, or to sum up p(x) itself. That
is for latent spaces of one or two dimensions; in more, no grid is fine enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

Tensor = Any
Decode = Callable[[Tensor], Tensor]

# Posteriors are looked for so far out in each dimension: all but 0.06% of the prior's mass is within.
SEARCHED = 3.6
# p(x) is summed up so far out: the prior outside holds 1.4e-5 of its mass.
SUMMED = 4.5


def place(side: int, latent_dim: int, extent: float) -> NDArray[np.float32]:
    """Return an even grid over ±extent, both ends included: `(side**latent_dim, latent_dim)` float32."""
    axis = np.linspace(-extent, extent, side, dtype=np.float32)
    return np.stack(np.meshgrid(*latent_dim * [axis]), axis=-1).reshape(-1, latent_dim)


def rate(decode: Decode, x: Tensor, points: Tensor) -> Tensor:
    """Return log p(x, z) of each image at each point, less the prior's constant.

    Args:
        decode: `z` `(points, latent_dim)` to `x_logits` `(points, height, width, channels)`.
        x: `(batch, height, width, channels)` float32 in [0, 1].
        points: `(points, latent_dim)` float32.

    Returns:
        `(batch, points)` float32, in nats.
    """
    pixels = math.prod(x.shape[1:])
    x_logits = ops.reshape(decode(points), (-1, pixels))
    prior = 0.5 * ops.sum(ops.square(points), axis=1)
    off = ops.sum(ops.softplus(x_logits), axis=1) + prior
    return ops.matmul(ops.reshape(x, (-1, pixels)), ops.transpose(x_logits)) - off


def negative_log_evidence(decode: Decode, x: Tensor, latent_dim: int, side: int, shift: Tensor) -> Tensor:
    """Return -log p(x), summed up over a grid that may lie anywhere between its own points.

    The shift makes it an unbiased estimate of p(x) where posteriors are narrower than a cell, so that what
    is trained on it learns about all of latent space and not about the points of one grid.

    Args:
        decode: As for `rate`.
        x: As for `rate`.
        latent_dim: 1 or 2.
        side: Points a side.
        shift: `(latent_dim,)` float32 in [0, 1), in cells.

    Returns:
        `(batch,)` float32, nats per image.
    """
    cell = 2 * SUMMED / side
    # Ends in the middle of cells, before the shift by up to half a cell either way.
    points = place(side, latent_dim, SUMMED - cell / 2) + (shift - 0.5) * cell
    constant = latent_dim * (0.5 * math.log(2 * math.pi) - math.log(cell))
    return constant - ops.logsumexp(rate(decode, x, points), axis=1)
