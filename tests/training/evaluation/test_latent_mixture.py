from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal  # type: ignore[import-untyped]

from training.evaluation import latent_mixture
from training.evaluation.latent_mixture import Mixture, fit_mixture
from training.evaluation.likelihood import Doubles, log_normal
from training.models.encoding import Posteriors

KNOWN = Mixture(
    np.array([0.3, 0.2, 0.5], np.float32),
    np.array([[0, 0], [0, 8], [4, 1]], np.float32),
    np.array([[[1, 0], [0.5, 1]], [[2, 0], [0, 0.5]], [[1, 0], [0, 1]]], np.float32),
    np.array([3, 3, 7], np.int64),
)


def make_posteriors(n: int = 6000, labels: int = 2, deviation: float = 0.2) -> Posteriors:
    """Means in two rings of one class and one of the other, all with the same small deviation."""
    random = np.random.RandomState(0)
    label = np.sort(random.randint(0, labels, n)).astype(np.int64)
    middle = np.stack([3.0 * label, np.where(random.random_sample(n) < 0.4, 0, 3)], axis=1)
    z_mean = (middle + random.normal(0, 0.3, (n, 2))).astype(np.float32)
    return Posteriors(z_mean, np.full((n, 2), 2 * np.log(deviation), np.float32), label)


def test_densities_agree_with_another_implementation() -> None:
    z = np.random.RandomState(0).normal(2, 3, (400, 2)).astype(np.float32)
    parts = np.stack(
        [
            weight * multivariate_normal(mean, root @ root.T).pdf(z)
            for weight, mean, root in zip(
                KNOWN.weight, KNOWN.z_mean, KNOWN.cholesky.astype(float), strict=True
            )
        ],
        axis=1,
    )
    np.testing.assert_allclose(KNOWN.log_density(z), np.log(parts.sum(axis=1)), rtol=1e-6)
    label = np.where(z[:, 0] > 2, 7, 3)
    given = np.where(label == 7, parts[:, 2] / 0.5, parts[:, :2].sum(axis=1) / 0.5)
    np.testing.assert_allclose(KNOWN.log_density(z, label), np.log(given), rtol=1e-6)
    np.testing.assert_allclose(KNOWN.tell(z, 7), parts[:, 2] / parts.sum(axis=1), atol=1e-6)
    one = Mixture(np.ones(1, np.float32), np.zeros((1, 2), np.float32), np.eye(2, dtype=np.float32)[None])
    np.testing.assert_allclose(one.log_density(z), log_normal(z), rtol=1e-6)


def test_many_components_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.random.RandomState(0).normal(2, 3, (400, 2)).astype(np.float32)
    label, sizes = np.where(z[:, 0] > 2, 7, 3), []
    whole = KNOWN.log_density(z), KNOWN.log_density(z, label)
    log_parts = Mixture._log_parts

    def watch(mixture: Mixture, z: Doubles, rows: Any = None) -> Doubles:
        found = log_parts(mixture, z, rows)
        sizes.append(found.size)
        return found

    monkeypatch.setattr(latent_mixture, "DENSITIES", 300)
    monkeypatch.setattr(Mixture, "_log_parts", watch)
    for expected, found in zip(whole, (KNOWN.log_density(z), KNOWN.log_density(z, label)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert max(sizes) == 300


def test_draws_have_the_shares_and_places_of_the_components() -> None:
    z, label = KNOWN.draw(20_000)
    assert abs((label == 7).mean() - 0.5) < 4 * 0.5 / 141
    np.testing.assert_allclose(z[label == 7].mean(axis=0), [4, 1], atol=0.05)
    np.testing.assert_allclose(np.cov(z[label == 7].T), np.eye(2), atol=0.06)
    any_of_them, kept = KNOWN.draw_class(7, 2000, sure=False)
    assert kept == 1
    sure, kept = KNOWN.draw_class(7, 2000, sure=True)
    assert 0.5 < kept < 0.99
    assert KNOWN.tell(any_of_them, 7).min() < 0.99 <= KNOWN.tell(sure, 7).min()
    assert len(sure) == 2000


def test_a_fit_finds_where_images_lie() -> None:
    q = make_posteriors()
    mixture = fit_mixture(q, 3)
    assert mixture is not None
    assert mixture.label is not None
    assert set(mixture.label.tolist()) == {0, 1}
    assert mixture.weight.sum() == pytest.approx(1, abs=1e-6)
    random = np.random.RandomState(1)
    fresh = (q.z_mean + 0.2 * random.standard_normal(q.z_mean.shape)).astype(np.float32)
    # The entropy of the class, of its place (0.4 and 0.6 of it) and of a Gaussian of variance 0.13.
    entropy = np.log(2) + 0.673 + np.log(2 * np.pi * np.e * 0.13)
    assert mixture.log_density(fresh).mean() == pytest.approx(-entropy, abs=0.05)
    assert mixture.log_density(fresh).mean() > log_normal(fresh).mean() + 1
    drawn, _ = mixture.draw(20_000)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(fresh.T), atol=0.15)
    assert mixture.overlap < 0.1
    again = fit_mixture(q, 3)
    assert again is not None
    np.testing.assert_array_equal(again.cholesky, mixture.cholesky)


def test_classes_that_lie_upon_each_other_overlap() -> None:
    q = make_posteriors()
    mixture = fit_mixture(Posteriors(q.z_mean, q.z_log_var, np.arange(len(q.label)) % 2), 3)
    assert mixture is not None
    assert mixture.overlap > 0.5


def test_few_images_have_few_components_and_one_class_none() -> None:
    few = fit_mixture(make_posteriors(250))
    assert few is not None
    assert len(few.weight) == 2
    one = fit_mixture(make_posteriors(1000, labels=1), 20)
    assert one is not None
    assert (one.label, len(one.weight)) == (None, 10)
    assert set(one.arrays()) == {"weight", "z_mean", "cholesky"}
    assert one.overlap == 0


def test_a_latent_space_too_large_for_a_component_a_class_has_no_mixture() -> None:
    q = Posteriors(np.zeros((20, 400), np.float32), np.zeros((20, 400), np.float32), np.arange(20) % 10)
    assert fit_mixture(q) is None
