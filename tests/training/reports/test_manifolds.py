from __future__ import annotations

import numpy as np

from training.reports.manifolds import precision_recall


def test_a_few_points_whose_manifolds_are_known() -> None:
    # The balls about 0, 1, 2 and 10 reach to their nearest neighbour: 1, 1, 1 and 8.
    real = np.array([[0.0], [1], [2], [10]], np.float32)
    drawn = np.array([[0.5], [2.5], [-1.5], [30]], np.float32)
    # Those about 0.5, 2.5, -1.5 and 30 reach 2, 2, 2 and 27.5.
    precision, recall = precision_recall(drawn, real, 1)
    assert (precision, recall) == (0.5, 1.0)
    precision, recall = precision_recall(real, drawn[:3], 1)
    assert (precision, recall) == (0.75, 2 / 3)


def test_sameness_costs_recall_and_strangeness_precision() -> None:
    random = np.random.RandomState(0)
    real, other = random.normal(0, 1, (2, 1200, 4)).astype(np.float32)
    assert min(precision_recall(other, real)) > 0.8
    precision, recall = precision_recall(other * np.float32(0.3), real)
    assert precision > 0.95
    assert recall < 0.4
    precision, recall = precision_recall(other * np.float32(4), real)
    assert precision < 0.3
    assert recall > 0.9
