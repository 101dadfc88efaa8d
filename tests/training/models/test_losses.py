from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.models import losses


def kl(z_mean: list[float], z_log_var: list[float]) -> float:
    parts = losses.kl_divergence(np.array([z_mean], np.float32), np.array([z_log_var], np.float32))
    return float(parts[0])


@given(mean=st.floats(-3, 3), log_var=st.floats(-4, 2))
def test_the_kl_is_the_integral_it_stands_for(mean: float, log_var: float) -> None:
    stddev = np.exp(log_var / 2)
    z = np.linspace(mean - 12 * stddev, mean + 12 * stddev, 20_001)
    log_q = -0.5 * (np.log(2 * np.pi) + log_var + ((z - mean) / stddev) ** 2)
    log_p = -0.5 * (np.log(2 * np.pi) + z**2)
    integral = np.trapezoid(np.exp(log_q) * (log_q - log_p), z)
    assert kl([mean], [log_var]) == pytest.approx(integral, abs=1e-4)


def test_the_kl_of_the_prior_is_0_and_dimensions_add() -> None:
    assert kl([0, 0, 0], [0, 0, 0]) == 0
    assert kl([1, 0], [0, 0]) == pytest.approx(0.5)
    assert kl([1, -2], [0.5, -1]) == pytest.approx(kl([1], [0.5]) + kl([-2], [-1]), abs=1e-6)


def test_the_reconstruction_loss_is_the_cross_entropy_summed_over_pixels() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((5, 4, 6, 2)).astype(np.float32)
    x_logits = rng.normal(0, 3, x.shape).astype(np.float32)
    p = 1 / (1 + np.exp(-x_logits.astype(np.float64)))
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3))
    found = np.asarray(losses.reconstruction_loss(x, x_logits))
    assert found.shape == (5,)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("x", "x_logits", "expected"), [(1, 500, 0), (0, -500, 0), (0, 500, 500), (1, -500, 500)]
)
def test_the_reconstruction_loss_does_not_overflow(x: float, x_logits: float, expected: float) -> None:
    pixel = np.full((1, 1, 1, 1), 1, np.float32)
    assert float(losses.reconstruction_loss(pixel * x, pixel * x_logits)[0]) == expected


def test_beta_weighs_the_kl_alone() -> None:
    reconstruction, divergence = np.array([100.0, 90.0]), np.array([5.0, 6.0])
    assert losses.negative_elbo(reconstruction, divergence).tolist() == [105, 96]
    assert losses.negative_elbo(reconstruction, divergence, beta=4).tolist() == [120, 114]


def test_what_is_free_counts_as_much_however_little_there_is() -> None:
    z_mean, z_log_var = np.array([[0.1, 2.0], [0.0, 0.0]], np.float32), np.zeros((2, 2), np.float32)
    assert np.asarray(losses.kl_by_dimension(z_mean, z_log_var)).tolist() == [
        pytest.approx([0.005, 2.0]),
        pytest.approx([0.0, 0.0]),
    ]
    found = np.asarray(losses.kl_above(z_mean, z_log_var, 0.25))
    assert found == pytest.approx([0.25 + 2.0, 0.5])
    np.testing.assert_allclose(
        losses.kl_above(z_mean, z_log_var, 0.0), losses.kl_divergence(z_mean, z_log_var)
    )
