"""Compute log p(x) of a model of two latent dimensions by quadrature, and say how far it has converged."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np

from training.config import TrainingError
from training.data.datasets import Split, scale
from training.evaluation.likelihood import Decode, Doubles, Floats, Labels, count_rows, log_odds, log_sum_exp

# The prior outside of this holds 1.4e-5 of its mass; a posterior has next to none further out than so many
# of its standard deviations.
PRIOR_EDGE, POSTERIOR_DEVIATIONS = 4.5, 6.0
# Points a side. On 1,000 images of mnist-2d: 125.138 nats with 161, 125.064 with 321, 125.061 with 641.
SIDES = (81, 161, 321, 641, 1281)
# A cell of the finest grid may be as wide as so many standard deviations of the median posterior. Halving
# the one before it changes less than `TOLERANCE` up to 1.5; the encoder knows them within a factor of two.
WIDEST = 10.0
# Nats per image that halving the spacing may change, over so many images of the split.
TOLERANCE, COMPARED = 0.02, 500
# Images whose likelihoods under one block of the grid are in memory at a time.
IMAGES = 1_000


class QuadratureError(TrainingError):
    """The finest grid is too coarse for this model's posteriors."""


@dataclasses.dataclass(frozen=True)
class Quadrature:
    """What `exact_likelihood` found.

    Attributes:
        conditional: -log p(x | label), nats per image; the same as `marginal` if the model takes no label.
        marginal: -log p(x), nats per image.
        error: What halving the spacing changes the means by, and its standard error besides, in nats.
        side: Points of the grid a side.
    """

    conditional: float
    marginal: float
    error: float
    side: int


@dataclasses.dataclass(frozen=True)
class Box:
    """The part of latent space that a grid covers: lower and upper corner, `(2,)` each."""

    low: Doubles
    high: Doubles

    def grid(self, side: int) -> tuple[Floats, float]:
        """Return an even grid, `(side**2, 2)` float32, and the log of the area of a cell."""
        axes = [np.linspace(low, high, side) for low, high in zip(self.low, self.high, strict=True)]
        z = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2).astype(np.float32)
        return z, float(np.log((self.high - self.low) / (side - 1)).sum())


def exact_likelihood(
    decode: Decode, z_mean: Floats, z_log_var: Floats, split: Split, shares: Mapping[int, float] | None = None
) -> Quadrature:
    """Compute -log p(x) by quadrature over an even grid, which reaches as far as prior and posteriors do.

    The grid is refined until halving its spacing changes less than `TOLERANCE` on some images of the split.

    Args:
        decode: `z` `(batch, 2)` and label to `image`.
        z_mean: `(n, 2)` float32, of q(z|x): they say how far the grid reaches.
        z_log_var: `(n, 2)` float32.
        split: The images.
        shares: p(label) by label of a model that takes labels; None if it takes none.

    Returns:
        The means over all images of the split, and their error.

    Raises:
        QuadratureError: The finest grid has not converged.
    """
    box = surround(z_mean, z_log_var)
    _check_widths(box, z_log_var)
    some = slice(None, None, -(-len(split) // COMPARED))
    few = Split(split.x[some], split.label[some])
    side, error = _refine(decode, box, few, shares)
    conditional, marginal = _integrate(decode, box, side, split, shares)
    return Quadrature(-float(conditional.mean()), -float(marginal.mean()), error, side)


def surround(z_mean: Floats, z_log_var: Floats) -> Box:
    """Return the box that holds the prior's mass and that of all posteriors."""
    reach = POSTERIOR_DEVIATIONS * np.exp(0.5 * z_log_var.astype(np.float64))
    low, high = (z_mean - reach).min(axis=0), (z_mean + reach).max(axis=0)
    return Box(np.minimum(low, -PRIOR_EDGE), np.maximum(high, PRIOR_EDGE))


def _check_widths(box: Box, z_log_var: Floats) -> None:
    """Refuse posteriors that the finest grid steps over, before millions of pictures are decoded."""
    cell = (box.high - box.low) / (SIDES[-1] - 1)
    widest = float((cell / np.exp(0.5 * np.median(z_log_var.astype(np.float64), axis=0))).max())
    if widest > WIDEST:
        raise QuadratureError(
            f"not converged: a cell of a grid of {SIDES[-1]} points a side is as wide as {widest:.0f} "
            "standard deviations of a posterior"
        )


def _refine(decode: Decode, box: Box, split: Split, shares: Mapping[int, float] | None) -> tuple[int, float]:
    _, before = _integrate(decode, box, SIDES[0], split, shares)
    error = math.inf
    for coarse, fine in itertools.pairwise(SIDES):
        _, after = _integrate(decode, box, fine, split, shares)
        error, before = _compare(before, after), after
        if error <= TOLERANCE:
            return coarse, error
    raise QuadratureError(
        f"not converged: halving the spacing of a grid of {SIDES[-2]} points a side changes {error:.3g} nats"
    )


def _compare(before: Doubles, after: Doubles) -> float:
    """Return how far a mean over all images may be off, from what some of them changed by."""
    change = after - before
    return float(abs(change.mean()) + change.std() / math.sqrt(len(change)))


def _integrate(
    decode: Decode, box: Box, side: int, split: Split, shares: Mapping[int, float] | None
) -> tuple[Doubles, Doubles]:
    """Return log p(x | label) and log p(x) of each image: `(n,)` each."""
    if shares is None:
        found = _log_evidence(decode, box, side, split.x, 0)
        return found, found
    own, terms = np.empty(len(split)), []
    for label, share in shares.items():
        found = _log_evidence(decode, box, side, split.x, label)
        own[split.label == label] = found[split.label == label]
        terms.append(found + math.log(share))
    return own, log_sum_exp(np.stack(terms, axis=1))


def _log_evidence(
    decode: Decode, box: Box, side: int, x: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], label: int
) -> Doubles:
    z, log_cell = box.grid(side)
    log_prior = (-0.5 * (z.astype(np.float64) ** 2).sum(axis=1) - math.log(2 * math.pi)).astype(np.float32)
    found, step = np.full(len(x), -np.inf), count_rows(x)
    for i in range(0, len(z), step):
        block = z[i : i + step]
        on, off = log_odds(decode, block, _repeat(label, len(block)))
        off += log_prior[i : i + step]
        for j in range(0, len(x), IMAGES):
            pixels = scale(x[j : j + IMAGES]).reshape(len(x[j : j + IMAGES]), -1)
            part = log_sum_exp(pixels @ on.T + off)
            found[j : j + IMAGES] = np.logaddexp(found[j : j + IMAGES], part)
    return found + log_cell


def _repeat(label: int, count: int) -> Labels:
    return np.full(count, label, np.int64)
