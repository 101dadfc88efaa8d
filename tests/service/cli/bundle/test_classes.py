from __future__ import annotations

import numpy as np

from service.cli.bundle.classes import describe_classes


def test_a_class_is_described_by_its_own_vectors_alone() -> None:
    random = np.random.RandomState(0)
    label = np.array([3] * 40 + [8] * 60)
    z_mean = random.normal(0, 1, (100, 2)).astype(np.float32)
    # Posteriors of one class are narrow, of the other wide.
    z_log_var = np.where(label == 3, -4.0, 1.0)[:, np.newaxis].repeat(2, axis=1).astype(np.float32)
    found = describe_classes(z_mean, z_log_var, label, None)
    assert [(entry["label"], entry["count"]) for entry in found] == [(3, 40), (8, 60)]
    for entry, variance in zip(found, np.exp([-4.0, 1.0]), strict=True):
        z = z_mean[label == entry["label"]]
        np.testing.assert_allclose(entry["z_mean"], z.mean(axis=0), atol=1e-5)
        expected = np.cov(z.T, bias=True) + variance * np.eye(2)
        np.testing.assert_allclose(entry["covariance"], expected, atol=1e-5)
