from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.latent_mixture import Mixture
from training.models.prior import MixturePrior, fit_prior, place_components

OF_LABEL = np.array([0, 0, 1, 1, 1])
DIM = 3


@pytest.fixture
def gaussians() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    lower = np.tril(random.normal(size=(5, DIM, DIM)), -1) * 0.3
    spread = random.uniform(0.2, 1.5, (5, DIM))[:, :, np.newaxis] * np.eye(DIM)
    weight = random.dirichlet(np.ones(5))
    return {"weight": weight, "z_mean": random.normal(size=(5, DIM)), "cholesky": lower + spread}


@pytest.fixture
def prior(gaussians: dict[str, np.ndarray]) -> MixturePrior:
    prior = MixturePrior(OF_LABEL, DIM)
    prior.assign(**gaussians)
    return prior


def test_its_density_is_that_of_the_mixture_that_a_bundle_holds(
    prior: MixturePrior, gaussians: dict[str, np.ndarray]
) -> None:
    mixture = Mixture(**gaussians, label=OF_LABEL)
    z = np.random.default_rng(1).normal(size=(50, DIM)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(prior.log_density(z)), mixture.log_density(z), atol=1e-4)


def test_what_is_assigned_comes_back(prior: MixturePrior, gaussians: dict[str, np.ndarray]) -> None:
    found = prior.arrays()
    assert found.keys() == gaussians.keys()
    for name, array in gaussians.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5)


def test_muon_leaves_all_its_variables_to_adam(prior: MixturePrior) -> None:
    assert {len(variable.shape) for variable in prior.trainable_variables} == {1, 3}


def test_the_fit_puts_each_labels_gaussians_over_its_own_vectors() -> None:
    random = np.random.default_rng(2)
    # Fewer of label 3, which comes second.
    label = np.repeat([1, 3], [300, 100])
    z = random.normal(size=(400, DIM)) * 0.5 + np.where(label == 1, 4.0, -4.0)[:, np.newaxis]
    prior = MixturePrior(place_components(label, DIM), DIM)
    assert prior.of_label.tolist() == [0, 0, 0, 1]
    fit_prior(prior, z, label, seed=0)
    found = prior.arrays()
    assert found["z_mean"][:3].min() > 2
    assert found["z_mean"][3:].max() < -2
    np.testing.assert_allclose([found["weight"][:3].sum(), found["weight"][3]], [0.75, 0.25], atol=1e-5)
    np.testing.assert_allclose(found["cholesky"][3], np.linalg.cholesky(np.cov(z[300:].T)), atol=0.02)


def test_a_label_of_one_image_has_a_gaussian_too() -> None:
    label = np.array([0, 0, 0, 1])
    prior = MixturePrior(place_components(label, 2), 2)
    fit_prior(prior, np.random.default_rng(0).normal(size=(4, 2)), label, seed=0)
    assert all(np.isfinite(array).all() for array in prior.arrays().values())
