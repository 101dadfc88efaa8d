"""Fit a mixture of Gaussians to where a model's encoder puts images: a prior that lies where they lie."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from training.evaluation.likelihood import Doubles, Floats, Labels, log_sum_exp
from training.models.encoding import Posteriors
from training.models.gaussians import COMPONENTS, ROWS_A_COMPONENT, count_components, fit_gaussians
from training.models.vae import ConvolutionalVAE

# z drawn for each image, so that components do not close in on single ones: fitted to one each, log p(z) of
# other images is 0.29 nats lower. Fewer where there are more images than take a minute.
DRAWS, MOST_ROWS = 4, 220_000
# As the service has it: the share of density that makes sure of a class.
SURE = 0.99
SHARE_DRAWS = 2_000
# Vectors whose densities are in memory at a time, and their densities under single components, at most.
ROWS, DENSITIES = 20_000, 4_000_000


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians, each of which has a class if the data has classes.

    Attributes:
        weight: `(k,)` float32, of sum 1.
        z_mean: `(k, latent_dim)` float32.
        cholesky: `(k, latent_dim, latent_dim)` float32, lower triangles.
        label: `(k,)` int64, rising; None if the data has no classes.
    """

    weight: Floats
    z_mean: Floats
    cholesky: Floats
    label: Labels | None = None

    def arrays(self) -> dict[str, NDArray[np.float32] | Labels]:
        """Return what `prior.npz` holds."""
        return {name: array for name, array in vars(self).items() if name in FIELDS and array is not None}

    def draw(self, n: int, seed: int = 0) -> tuple[Floats, Labels]:
        """Draw latent vectors: `(n, latent_dim)` float32, and the class of each one's component, else 0."""
        random = np.random.RandomState(seed)
        picked = random.choice(len(self.weight), n, p=self.weight / self.weight.sum(dtype=np.float64))
        label = np.zeros(n, np.int64) if self.label is None else self.label[picked]
        return self._draw(picked, random), label

    def draw_class(self, label: int, n: int, seed: int = 0, *, sure: bool) -> tuple[Floats, float]:
        """Draw latent vectors of a class.

        Args:
            label: The class.
            n: How many.
            seed: Of the draws.
            sure: Whether to keep only those where p(label | z) is at least 0.99, as the service does, which
                also gives up after 16 in a row.

        Returns:
            `(n, latent_dim)` float32, and the share of all draws that were kept.
        """
        random, rows = np.random.RandomState(seed), self._rows(label)
        weight = self.weight[rows] / self.weight[rows].sum(dtype=np.float64)
        kept, drawn = [np.empty((0, self.z_mean.shape[1]), np.float32)], 0
        while (count := sum(map(len, kept))) < n:
            z = self._draw(random.choice(rows, n, p=weight), random)
            share = self.tell(z, label) if sure else np.ones(n)
            drawn += n
            kept.append(z[share >= SURE] if drawn <= 16 * n else z[np.argsort(-share)[: n - count]])
        return np.concatenate(kept)[:n], min(1.0, count / drawn if sure and count else 1.0)

    def tell(self, z: Floats, label: int) -> Doubles:
        """Return p(label | z) of each vector."""
        own = self.log_density(z, np.full(len(z), label)) - self.log_density(z)
        share: Doubles = np.exp(own) * self.weight[self._rows(label)].sum(dtype=np.float64)
        return share

    def log_density(self, z: Floats, label: Labels | None = None) -> Doubles:
        """Return log p(z), or log p(z | label).

        Args:
            z: `(n, latent_dim)`.
            label: `(n,)`, of each vector.

        Returns:
            `(n,)` float64.
        """
        found, step = np.empty(len(z)), max(1, min(ROWS, DENSITIES // len(self.weight)))
        for i in range(0, len(z), step):
            part = z[i : i + step].astype(np.float64)
            # Also in another's density, so that it is told apart by the same numbers.
            if label is None:
                found[i : i + step] = log_sum_exp(self._log_parts(part))
                continue
            for each in np.unique(label[i : i + step]):
                own, rows = label[i : i + step] == each, self._rows(int(each))
                total = np.log(self.weight[rows].sum(dtype=np.float64))
                found[i : i + step][own] = log_sum_exp(self._log_parts(part[own], rows)) - total
        return found

    @functools.cached_property
    def overlap(self) -> float:
        """The share of draws of a class of which it is not sure, of the class where that is largest."""
        if self.label is None:
            return 0.0
        shares = [
            float((self.tell(self.draw_class(d, SHARE_DRAWS, sure=False)[0], d) < SURE).mean())
            for d in np.unique(self.label).tolist()
        ]
        return max(shares)

    def _rows(self, label: int) -> NDArray[np.intp]:
        return np.flatnonzero(self.label == label) if self.label is not None else np.arange(len(self.weight))

    def _draw(self, picked: NDArray[np.intp], random: np.random.RandomState) -> Floats:
        epsilon = random.standard_normal((len(picked), self.z_mean.shape[1], 1)).astype(np.float32)
        z: Floats = self.z_mean[picked] + (self.cholesky[picked] @ epsilon)[..., 0]
        return z

    def _log_parts(self, z: Doubles, rows: NDArray[np.intp] | None = None) -> Doubles:
        table, (i, j) = self._table, np.triu_indices(z.shape[1])
        products = np.concatenate([z[:, i] * z[:, j], z, np.ones((len(z), 1))], axis=1)
        parts: Doubles = products @ (table if rows is None else table[:, rows])
        return parts

    @functools.cached_property
    def _table(self) -> Doubles:
        """What products of pairs of z, z and 1 are multiplied by to give log weight N(z)."""
        inverse, mean = np.linalg.inv(self.cholesky.astype(np.float64)), self.z_mean.astype(np.float64)
        precision = inverse.transpose(0, 2, 1) @ inverse
        i, j = np.triu_indices(mean.shape[1])
        linear = (precision @ mean[..., np.newaxis])[..., 0]
        constant = np.log(self.weight.astype(np.float64)) - 0.5 * (linear * mean).sum(axis=1)
        constant += np.log(inverse.diagonal(axis1=1, axis2=2)).sum(axis=1)
        constant -= 0.5 * mean.shape[1] * np.log(2 * np.pi)
        pairs = -precision[:, i, j] * np.where(i == j, 0.5, 1.0)
        table: Doubles = np.concatenate([pairs, linear, constant[:, np.newaxis]], axis=1).T
        return table


FIELDS = tuple(field.name for field in dataclasses.fields(Mixture))


def fit_mixture(posteriors: Posteriors, components: int = COMPONENTS, seed: int = 0) -> Mixture | None:
    """Fit a mixture to z ~ q(z|x) by expectation maximisation, of each class by itself.

    Args:
        posteriors: Of the training split.
        components: Of each class at most; one for each 100 images, and fewer where they would have more than
            1,048,576 numbers.
        seed: Of the draws and the starts.

    Returns:
        The mixture; None if not even one component a class may be had.
    """
    labels, images = np.unique(posteriors.label, return_counts=True)
    counts = count_components(images, posteriors.z_mean.shape[1], components)
    if not counts.all():
        return None
    random, parts = np.random.RandomState(seed), []
    draws = max(1, min(DRAWS, MOST_ROWS // len(posteriors.label)))
    for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
        rows = np.flatnonzero(posteriors.label == label)
        share = len(rows) / len(posteriors.label)
        rows = random.permutation(rows)[: max(count * ROWS_A_COMPONENT, int(MOST_ROWS * share))]
        z = posteriors.pick(np.tile(rows, draws if len(rows) > 1 else 2)).draw(random)
        own, *rest = fit_gaussians(z, count, seed)
        parts.append((share * own, *rest))
    weight, z_mean, cholesky = (np.concatenate(each).astype(np.float32) for each in zip(*parts, strict=True))
    of_each = labels.repeat(counts).astype(np.int64)
    # A component without weight is none.
    real = weight > 0
    label_of = of_each[real] if len(labels) > 1 else None
    return Mixture(weight[real] / weight[real].sum(), z_mean[real], cholesky[real], label_of)


def take_mixture(model: ConvolutionalVAE, labels: Labels) -> Mixture | None:
    """Return the prior that a model was trained with.

    None if that is N(0, I), or one for all labels of a decoder that is told them: a mixture of each label,
    fitted to the same encoder, is likelier.

    Args:
        model: A trained one.
        labels: Of the training images, rising.
    """
    if model.prior is None or not model.is_mixed or model.config.conditional:
        return None
    arrays = {name: array.astype(np.float32) for name, array in model.prior.arrays().items()}
    return Mixture(**arrays, label=labels[model.prior.of_label] if len(labels) > 1 else None)
