"""Encode a split to its posteriors, and draw z from them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.datasets import Labels, Split, scale

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Function = Callable[[Floats], Mapping[str, Any]]

# Images encoded at a time, and their pixels, at most: an encoder that refines decodes 2 latent_dim + 1
# pictures of each.
BATCH, PIXELS = 500, 500_000


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

    def pick(self, rows: NDArray[np.intp]) -> Posteriors:
        """Return those of some images, in the order of `rows`; an image may be picked again."""
        return Posteriors(self.z_mean[rows], self.z_log_var[rows], self.label[rows])

    def draw(self, random: np.random.RandomState) -> Doubles:
        """Draw one z ~ q(z|x) of each image: `(n, latent_dim)` float64."""
        mean, log_var = self.z_mean.astype(np.float64), self.z_log_var.astype(np.float64)
        z: Doubles = mean + np.exp(0.5 * log_var) * random.standard_normal(mean.shape)
        return z


def encode(encoder: Function, split: Split) -> Posteriors:
    """Encode a split.

    Args:
        encoder: `x` to `z_mean` and `z_log_var`, arrays or tensors.
        split: The images.

    Returns:
        Their posteriors, in order.
    """
    step = count_encoded(split.x.shape[1:])
    parts = [encoder(scale(split.x[i : i + step])) for i in range(0, len(split), step)]
    z_mean, z_log_var = (
        np.concatenate([np.asarray(part[name], np.float32) for part in parts])
        for name in ("z_mean", "z_log_var")
    )
    return Posteriors(z_mean, z_log_var, split.label)


def count_encoded(shape: tuple[int, ...]) -> int:
    """Count the images of a shape that are encoded at a time, so that memory is bounded."""
    return max(1, min(BATCH, PIXELS // math.prod(shape)))
