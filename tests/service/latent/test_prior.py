from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.latent.prior import SURE, MixturePrior

# Two classes, whose components overlap between 1 and 3.
OVERLAPPING: dict[str, Any] = {
    "weight": np.array([0.3, 0.2, 0.5], np.float32),
    "z_mean": np.array([[0, 0], [4, 1], [0, 8]], np.float32),
    "cholesky": np.array([[[1, 0], [0.5, 1]], [[1, 0], [0, 1]], [[2, 0], [0, 0.5]]], np.float32),
    "label": np.array([3, 7, 3], np.int64),
}


def density(arrays: dict[str, Any], z: Any) -> Any:
    """Weight times density of each component at each vector, written out."""
    found = []
    for weight, mean, root in zip(*(arrays[name] for name in ("weight", "z_mean", "cholesky")), strict=True):
        covariance = root.astype(float) @ root.T.astype(float)
        gap = z - mean
        exponent = -0.5 * np.einsum("ni,ij,nj->n", gap, np.linalg.inv(covariance), gap)
        found.append(weight * np.exp(exponent) / np.sqrt(np.linalg.det(2 * np.pi * covariance)))
    return np.stack(found, axis=1)


def test_samples_have_the_mean_and_covariance_of_the_mixture() -> None:
    z, label = MixturePrior(OVERLAPPING).sample(5, 1.0, 40_000)
    assert z.dtype == np.float32
    weight, means = OVERLAPPING["weight"].astype(float), OVERLAPPING["z_mean"].astype(float)
    roots = OVERLAPPING["cholesky"].astype(float)
    mean = weight @ means
    second = np.einsum("k,kij->ij", weight, roots @ roots.transpose(0, 2, 1))
    second += np.einsum("k,ki,kj->ij", weight, means, means)
    # Four standard errors and more, over 40,000 draws of deviation 4.
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=4 * 4 / 200)
    np.testing.assert_allclose(np.cov(z.T), second - np.outer(mean, mean), atol=4 * 20 / 200)
    np.testing.assert_allclose((label == 7).mean(), 0.2, atol=4 * 0.4 / 200)
    np.testing.assert_allclose(z[label == 7].mean(axis=0), [4, 1], atol=0.06)


def test_fewer_are_the_first_of_more() -> None:
    prior = MixturePrior(OVERLAPPING)
    z, label = prior.sample(3, 1.5, 300)
    drawn = {sure: prior.draw(3, 3, 1.5, 300, sure=sure) for sure in (True, False)}
    for n in (1, 2, 50, 299):
        np.testing.assert_array_equal(prior.sample(3, 1.5, n)[0], z[:n])
        np.testing.assert_array_equal(prior.sample(3, 1.5, n)[1], label[:n])
        for sure, all_of_them in drawn.items():
            np.testing.assert_array_equal(prior.draw(3, 3, 1.5, n, sure=sure), all_of_them[:n])


def test_a_seed_draws_what_it_always_drew() -> None:
    # RandomState(0).standard_normal: 1.76405235, 0.40015721; 0.97873798 picks component 7, the last of three.
    z, label = MixturePrior(OVERLAPPING).sample(0, 1.0, 1)
    np.testing.assert_allclose(z, [[4 + 1.76405235, 1 + 0.40015721]], rtol=1e-6)
    assert label.tolist() == [7]


def test_temperature_scales_the_spread_about_a_component_s_mean() -> None:
    prior = MixturePrior(OVERLAPPING)
    middle, one, two = (prior.sample(4, temperature, 200)[0] for temperature in (0.0, 1.0, 2.0))
    assert {tuple(row) for row in middle.tolist()} == {(0, 0), (4, 1), (0, 8)}
    np.testing.assert_allclose(two - middle, 2 * (one - middle), atol=1e-5)


def test_the_share_of_a_class_is_that_of_its_density() -> None:
    prior, z = MixturePrior(OVERLAPPING), np.random.RandomState(0).normal(2, 2, (500, 2))
    parts = density(OVERLAPPING, z)
    np.testing.assert_allclose(prior.tell(z, 7), parts[:, 1] / parts.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(prior.tell(z, 3) + prior.tell(z, 7), 1)
    assert np.isfinite(prior.tell(np.full((1, 2), 1e6), 7)).all()


def test_a_vector_of_a_class_is_one_that_is_sure() -> None:
    prior = MixturePrior(OVERLAPPING)
    sure, any_of_them = (prior.draw(3, 1, 1.0, 4000, sure=sure).astype(float) for sure in (True, False))
    assert prior.tell(sure, 3).min() >= SURE - 1e-6
    refused = prior.tell(any_of_them, 3) < SURE
    assert 0.02 < refused.mean() < 0.5
    # What is kept is the same draws without those that were refused.
    kept = any_of_them[~refused]
    np.testing.assert_array_equal(sure[: len(kept)], kept)


def test_a_class_that_is_never_sure_still_gives_its_likeliest_vectors() -> None:
    arrays = {**OVERLAPPING, "z_mean": np.zeros((3, 2), np.float32), "cholesky": np.stack([np.eye(2)] * 3)}
    prior = MixturePrior({**arrays, "cholesky": arrays["cholesky"].astype(np.float32)})
    z = prior.draw(7, 2, 1.0, 40, sure=True)
    assert z.shape == (40, 2)
    np.testing.assert_array_equal(prior.draw(7, 2, 1.0, 3, sure=True), z[:3])
    # All are equally likely, so the first of each sixteen is taken.
    np.testing.assert_array_equal(z, prior.draw(7, 2, 1.0, 640, sure=False)[::16])


def test_the_middle_of_a_class_is_its_heaviest_component_that_is_its_own() -> None:
    prior = MixturePrior(OVERLAPPING)
    np.testing.assert_array_equal(prior.find_middle(3), [0, 8])
    buried = {**OVERLAPPING, "z_mean": np.array([[0, 0], [0, 8], [0, 8]], np.float32)}
    np.testing.assert_array_equal(MixturePrior(buried).find_middle(3), [0, 0])


def test_the_middle_of_a_class_is_sought_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may go through a thousand of them, while no other request is answered."""
    prior = MixturePrior(OVERLAPPING)
    found = prior.find_middle(3)
    monkeypatch.delattr(MixturePrior, "tell")
    assert prior.find_middle(3) is found
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


def test_without_classes_there_is_one_mixture() -> None:
    arrays = {name: array for name, array in OVERLAPPING.items() if name != "label"}
    prior = MixturePrior(arrays)
    assert prior.labels == ()
    z, label = prior.sample(3, 1.0, 50)
    assert z.shape == (50, 2)
    assert not label.any()


@pytest.mark.parametrize("weight", [[1.0, 1e-30, 1e-30], [1e-30, 1e-30, 1.0]])
def test_what_weighs_nothing_is_not_drawn(weight: list[float]) -> None:
    prior = MixturePrior({**OVERLAPPING, "weight": np.array(weight, np.float32)})
    z, _ = prior.sample(1, 0.0, 500)
    heaviest = OVERLAPPING["z_mean"][int(np.argmax(weight))]
    np.testing.assert_array_equal(z, np.tile(heaviest, (500, 1)))
