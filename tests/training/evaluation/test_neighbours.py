from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.test_metrics import posteriors
from training.evaluation import neighbours
from training.models.encoding import Posteriors


def test_the_accuracy_is_that_of_the_most_common_label_of_15() -> None:
    train, other = posteriors(900, 1, 4), posteriors(1100, 2, 4)
    distances = ((other.z_mean[:, None].astype(float) - train.z_mean[None]) ** 2).sum(axis=2)
    nearest = train.label[distances.argsort(axis=1)[:, :15]]
    votes = np.stack([np.bincount(row, minlength=4) for row in nearest])
    expected = float((votes.argmax(axis=1) == other.label).mean())
    assert neighbours.knn_accuracy(train, other) == pytest.approx(expected, abs=1e-12)


def test_knn_of_few_points_uses_them_all() -> None:
    train = Posteriors(np.zeros((3, 2), np.float32), np.zeros((3, 2), np.float32), np.array([7, 7, 2]))
    other = Posteriors(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32), np.array([7, 2]))
    assert neighbours.knn_accuracy(train, other) == 0.5


def test_labels_are_read_off_the_others_and_never_off_the_image_itself() -> None:
    # Two pairs, each of both labels: the nearest other image always has the other one.
    z_mean = np.array([[0, 0], [0, 0.1], [5, 5], [5, 5.1]], np.float32)
    q = Posteriors(z_mean, z_mean, np.array([1, 2, 1, 2]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "NEIGHBOURS", 1)
        assert neighbours.read_labels(q).tolist() == [2, 1, 2, 1]
    # Of three others, two have the other label.
    assert neighbours.read_labels(q).tolist() == [2, 1, 2, 1]
    one = Posteriors(z_mean[:1], z_mean[:1], np.array([7]))
    assert neighbours.read_labels(one).tolist() == [7]
