"""Read labels off the nearest neighbours in latent space."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from training.evaluation.likelihood import Labels
from training.models.encoding import Posteriors

NEIGHBOURS = 15


def knn_accuracy(train: Posteriors, other: Posteriors) -> float:
    """Tell how well labels can be read off latent space.

    Each z_mean of `other` takes the label most common among its 15 nearest z_mean of `train`, by Euclidean
    distance; of labels equally common, the smallest.

    Args:
        train: The neighbours.
        other: What is classified.

    Returns:
        The share classified correctly, in [0, 1].
    """
    nearest = find_neighbours(train)
    return float((nearest.predict(other.z_mean) == other.label).mean())


def find_neighbours(train: Posteriors, count: int = NEIGHBOURS) -> KNeighborsClassifier:
    """Return what takes a z_mean for the label most common among the nearest `count` of a split."""
    count = min(count, len(train.label))
    return KNeighborsClassifier(count).fit(train.z_mean.astype(np.float64), train.label)


def read_labels(posteriors: Posteriors) -> Labels:
    """Return the label that each image's 15 nearest among the other images of its split have: `(n,)`."""
    others = len(posteriors.label) - 1
    if others == 0:
        return posteriors.label
    labels: Labels = find_neighbours(posteriors, min(NEIGHBOURS, others)).predict(None)
    return labels
