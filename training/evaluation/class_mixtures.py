"""Describe where each class lies in latent space, and fit the mixture that pictures of it are drawn from."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier

from training.evaluation.likelihood import Floats, Labels
from training.evaluation.neighbours import find_neighbours
from training.models.encoding import Posteriors

Read = Callable[[Floats], Floats]
Doubles = NDArray[np.float64]

# A latent vector is in the core of its class if so large a share of its neighbours has its label.
PURE = 0.93
COMPONENTS, ROWS_A_COMPONENT = 8, 100
# A part with a smaller share of the core lies where training has seen little.
SMALLEST_SHARE = 0.02
# A component is narrowed until this share of so many draws is read as its class.
READ_AS_DRAWN, DRAWS = 0.99, 200
# Draws are read up to each of these, and no more once too many are taken for others: of 100 classes that
# overlap nearly all are, at each scale.
STOPS = (10, 40, DRAWS)
SCALES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclasses.dataclass
class Component:
    """A Gaussian with a diagonal covariance, one of those that a class is drawn from.

    Attributes:
        label: Of the class.
        rows: How many images it was made from.
        z_mean: `(latent_dim,)` float64.
        stddev: `(latent_dim,)` float64.
        share: Of its draws that were read as the class, at `scale`, or at most so large.
        scale: What `stddev` is multiplied by; None while nothing has been good enough.
    """

    label: int
    rows: int
    z_mean: Doubles
    stddev: Doubles
    share: float = 0.0
    scale: float | None = None

    def draw(self, scale: float) -> Floats:
        """Draw `(200, latent_dim)` float32, the same each time."""
        epsilon = np.random.RandomState(0).standard_normal((DRAWS, len(self.z_mean)))
        return (self.z_mean + scale * self.stddev * epsilon).astype(np.float32)

    def describe(self, rows: int) -> dict[str, Any]:
        """Return the component's manifest entry; `rows` are those of all components of its class."""
        return {
            "weight": round(self.rows / rows, 6),
            "z_mean": self.z_mean.round(6).tolist(),
            "stddev": (self.stddev * (self.scale or SCALES[-1])).round(6).tolist(),
        }


def describe_classes(posteriors: Posteriors, read: Read | None = None) -> list[dict[str, Any]]:
    """Return where each class lies in latent space.

    Args:
        posteriors: Of the training split.
        read: As for `class_components`; without it, the entries have no components.

    Returns:
        One entry a class, by rising label: `label`, `z_mean` (latent_dim), `covariance` (latent_dim,
        latent_dim), `count` and `components`. The covariance is that of a z drawn from q(z|x) of a random
        image of the class: that of z_mean plus the mean of diag(exp(z_log_var)) (the law of total
        covariance).
    """
    components = class_components(posteriors, read) if read else {}
    classes = []
    for label in map(int, np.unique(posteriors.label)):
        rows = posteriors.label == label
        z_mean = posteriors.z_mean[rows].astype(np.float64)
        variance = np.exp(posteriors.z_log_var[rows].astype(np.float64)).mean(axis=0)
        spread = z_mean - z_mean.mean(axis=0)
        covariance = spread.T @ spread / len(z_mean) + np.diag(variance)
        entry = {
            "label": label,
            "z_mean": z_mean.mean(axis=0).round(6).tolist(),
            "covariance": covariance.round(6).tolist(),
            "count": len(z_mean),
        }
        classes.append({**entry, "components": components[label]} if label in components else entry)
    return classes


def class_components(posteriors: Posteriors, read: Read) -> dict[int, list[dict[str, Any]]]:
    """Return a mixture of Gaussians for each class, whose draws are pictures of that class.

    Classes overlap in few dimensions and have many parts in any number, so one Gaussian a class draws many
    others. Here a class's core, the vectors whose neighbours are of the class as well, is parted by k-means;
    each part gives a Gaussian, which is narrowed until what it draws, decoded and encoded again, is taken for
    the class by the labels of the nearest training images. A part that is small or stays ambiguous is left
    out.

    Args:
        posteriors: Of the training split.
        read: `z` `(n, latent_dim)` to the `z_mean` of its picture: decode, then encode.

    Returns:
        By label, the components, the heaviest first: `weight`, `z_mean` and `stddev` (latent_dim).
    """
    neighbours = find_neighbours(posteriors)
    core = _find_core(neighbours, posteriors)
    found = [part for label in neighbours.classes_ for part in _part(posteriors, core, int(label))]
    for scale in SCALES:
        _narrow([part for part in found if part.scale is None], scale, neighbours, read)
    return {int(label): _choose([p for p in found if p.label == label]) for label in neighbours.classes_}


def _find_core(neighbours: KNeighborsClassifier, posteriors: Posteriors) -> NDArray[np.bool_]:
    shares = neighbours.predict_proba(posteriors.z_mean)
    own = np.searchsorted(neighbours.classes_, posteriors.label)
    core: NDArray[np.bool_] = shares[np.arange(len(own)), own] >= PURE
    return core


def _part(posteriors: Posteriors, core: NDArray[np.bool_], label: int) -> list[Component]:
    rows = core & (posteriors.label == label)
    if not rows.any():
        rows = posteriors.label == label
    z = posteriors.z_mean[rows].astype(np.float64)
    count = int(np.clip(len(z) // ROWS_A_COMPONENT, 1, COMPONENTS))
    parts: Labels = KMeans(count, n_init=3, random_state=0).fit(z).labels_
    variance = np.exp(posteriors.z_log_var[rows].astype(np.float64))
    members = [parts == i for i in range(count) if (parts == i).mean() >= SMALLEST_SHARE]
    return [
        Component(
            label,
            int(part.sum()),
            z[part].mean(axis=0),
            np.sqrt(z[part].var(axis=0) + variance[part].mean(axis=0)),
        )
        for part in members
    ]


def _narrow(parts: list[Component], scale: float, neighbours: KNeighborsClassifier, read: Read) -> None:
    for part in parts:
        # The best of those that nothing makes good enough is taken all the same.
        part.share = _read_draws(part, scale, neighbours, read, whole=scale == SCALES[-1])
        if part.share >= READ_AS_DRAWN:
            part.scale = scale


def _read_draws(
    part: Component, scale: float, neighbours: KNeighborsClassifier, read: Read, *, whole: bool
) -> float:
    z, right = part.draw(scale), DRAWS
    for start, stop in itertools.pairwise((0, *STOPS)):
        right -= int((neighbours.predict(read(z[start:stop])) != part.label).sum())
        if right / DRAWS < READ_AS_DRAWN and not whole:
            break
    return right / DRAWS


def _choose(parts: list[Component]) -> list[dict[str, Any]]:
    good = [part for part in parts if part.scale is not None] or [max(parts, key=lambda part: part.share)]
    good.sort(key=lambda part: (-part.rows, tuple(part.z_mean)))
    rows = sum(part.rows for part in good)
    return [part.describe(rows) for part in good]
