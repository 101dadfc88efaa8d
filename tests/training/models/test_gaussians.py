from __future__ import annotations

import numpy as np

from training.models.gaussians import MOST_NUMBERS, count_components, fit_gaussians


def test_a_class_has_one_gaussian_for_a_hundred_images_within_limits() -> None:
    assert count_components(np.array([1, 250, 9000]), 2).tolist() == [1, 2, 20]
    assert count_components(np.array([9000, 9000]), 300).tolist() == [MOST_NUMBERS // (300 * 300 * 2)] * 2
    assert count_components(np.array([9000]), 2000).tolist() == [0]


def test_the_gaussians_of_two_heaps_are_theirs() -> None:
    random = np.random.default_rng(0)
    heaps = random.normal(size=(1000, 2)) * [0.3, 1.0] + np.where(np.arange(1000) < 300, -5, 5)[:, np.newaxis]
    weight, mean, cholesky = fit_gaussians(heaps, 2, seed=0)
    order = np.argsort(mean[:, 0])
    np.testing.assert_allclose(weight[order], [0.3, 0.7], atol=0.01)
    np.testing.assert_allclose(mean[order], [[-5, -5], [5, 5]], atol=0.2)
    np.testing.assert_allclose(cholesky.diagonal(axis1=1, axis2=2), [[0.3, 1.0]] * 2, atol=0.1)
