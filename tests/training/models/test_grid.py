from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from training.models.grid import SUMMED, negative_log_evidence, place, rate
from training.models.losses import reconstruction_loss

PICTURE = (3, 2, 1)


def brightness(z: Any) -> Any:
    """A decoder that draws one grey: the lighter, the larger the sum of z."""
    return ops.broadcast_to(ops.sum(z, axis=1)[:, None, None, None], (len(z), *PICTURE))


def images(count: int) -> Any:
    return np.random.default_rng(0).random((count, *PICTURE)).astype(np.float32)


def test_a_grid_is_even_and_reaches_both_ends() -> None:
    np.testing.assert_allclose(place(3, 1, 2.0), [[-2], [0], [2]])
    points = place(4, 2, 3.0)
    assert points.shape == (16, 2)
    assert points.dtype == np.float32
    assert {tuple(point) for point in points.tolist()} == {
        (a, b) for a in (-3, -1, 1, 3) for b in (-3, -1, 1, 3)
    }


def test_each_image_is_rated_at_each_point() -> None:
    x, points = images(4), place(3, 2, 1.5)
    rated = np.asarray(rate(brightness, x, ops.convert_to_tensor(points)))
    assert rated.shape == (4, 9)
    for j, z in enumerate(points):
        x_logits = brightness(ops.convert_to_tensor(np.tile(z, (4, 1))))
        expected = -np.asarray(reconstruction_loss(x, x_logits)) - 0.5 * (z**2).sum()
        np.testing.assert_allclose(rated[:, j], expected, rtol=1e-5)


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_a_decoder_that_ignores_z_leaves_its_likelihood(latent_dim: int) -> None:
    def indifferent(z: Any) -> Any:
        return ops.full((len(z), *PICTURE), 0.7)

    x = images(3)
    expected = reconstruction_loss(x, ops.full((3, *PICTURE), 0.7))
    for shift in (0.0, 0.3, 0.99):
        found = negative_log_evidence(indifferent, x, latent_dim, 30, np.full(latent_dim, shift, np.float32))
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_sum_is_the_integral() -> None:
    x = images(2)
    z = np.linspace(-SUMMED, SUMMED, 2001)
    spread = np.sqrt(2) * z  # the sum of both coordinates is N(0, 2)
    loss = np.logaddexp(0, spread)[:, None] * 6 - spread[:, None] * x.reshape(2, -1).sum(axis=1)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    expected = -np.log((np.exp(-loss) * density[:, None]).sum(axis=0) * (z[1] - z[0]))
    found = negative_log_evidence(brightness, x, 2, 60, np.full(2, 0.5, np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_shifts_make_up_for_cells_wider_than_a_posterior() -> None:
    def sharp(z: Any) -> Any:
        return 40 * brightness(z)[:, :, :, :] * ops.ones((1, *PICTURE))

    x = np.full((1, *PICTURE), 0.5, np.float32)
    fine = np.exp(-np.asarray(negative_log_evidence(sharp, x, 1, 4000, np.full(1, 0.5, np.float32))))
    shifts = (np.arange(200, dtype=np.float32) + 0.5) / 200
    coarse = [
        np.exp(-np.asarray(negative_log_evidence(sharp, x, 1, 9, shifts[i : i + 1]))) for i in range(200)
    ]
    assert np.std(coarse) > np.mean(coarse)  # one grid alone is far off
    np.testing.assert_allclose(np.mean(coarse), fine[0], rtol=0.02)
