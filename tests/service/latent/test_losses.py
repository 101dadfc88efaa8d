from __future__ import annotations

import math

import numpy as np
import pytest

from service.latent import losses


def picture(*pixels: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(pixels, np.float32).reshape(1, 1, -1, 1)


def test_an_even_guess_costs_a_bit_a_pixel() -> None:
    loss = losses.reconstruction_loss(picture(0, 1, 0.3), picture(0.5, 0.5, 0.5))
    assert loss == pytest.approx([3 * math.log(2)])


def test_a_sure_and_wrong_guess_is_finite() -> None:
    assert losses.reconstruction_loss(picture(0, 1), picture(0, 1)) == pytest.approx([0], abs=1e-6)
    assert losses.reconstruction_loss(picture(1), picture(0)) == pytest.approx([-math.log(1e-7)])


def test_the_prior_diverges_from_itself_by_nothing() -> None:
    zero = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(losses.kl_divergence(zero, zero), [0, 0])
    far = losses.kl_divergence(np.full((1, 2), 2.0, np.float32), np.full((1, 2), math.log(4), np.float32))
    assert far == pytest.approx([4 + 4 - 1 - math.log(4)])


def test_errors_are_a_pixels_mean() -> None:
    assert losses.mean_squared_error(picture(0, 1, 0, 0), picture(0, 0.5, 0, 1)) == pytest.approx([1.25 / 4])
