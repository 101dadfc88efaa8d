from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from training.data.datasets import Dataset, scale
from training.fit.loop import Run
from training.models import losses
from training.models.refinement import RADIUS, choose_start, measure_lead, refine

PICTURE = (4, 4, 1)


def indifferent(z: Any) -> Any:
    """A decoder that draws the same whatever z is: only the prior is left, and its optimum is 0."""
    return ops.zeros((ops.shape(z)[0], *PICTURE))


def brightness(z: Any) -> Any:
    """A decoder that draws one grey: the lighter, the larger the first of z."""
    return ops.broadcast_to(z[:, 0][:, None, None, None], (len(z), *PICTURE))


def refined(decode: Any, x: Any, z_mean: Any, steps: int = 1, z_log_var: float = 0.0) -> Any:
    z_mean = np.asarray(z_mean, np.float32)
    return np.asarray(refine(decode, x, ops.array(z_mean), ops.full(z_mean.shape, z_log_var), steps))


def greys(*values: float) -> Any:
    return np.stack([np.full(PICTURE, value, np.float32) for value in values])


def test_a_quadratic_is_solved_in_one_step() -> None:
    z_mean = refined(indifferent, greys(0, 0), [[1.5, -0.25, 0], [-2, 2, 0.5]])
    np.testing.assert_allclose(z_mean, np.zeros((2, 3)), atol=1e-6)


def test_a_step_is_no_longer_than_the_radius() -> None:
    np.testing.assert_allclose(refined(indifferent, greys(0), [[9.0, -9.0]]), [[9 - RADIUS, RADIUS - 9]])


def test_a_step_over_flat_ground_is_as_short_as_z_log_var_says() -> None:
    z_mean = refined(indifferent, greys(0), [[9.0, -9.0]], z_log_var=float(np.log(0.01)))
    np.testing.assert_allclose(z_mean, [[9 - 0.01 * 9, 0.01 * 9 - 9]], rtol=1e-5)


def test_each_row_goes_towards_its_own_picture() -> None:
    z_mean = refined(brightness, greys(1, 0, 0.5), np.zeros((3, 2)))
    assert z_mean[0, 0] > 0.5
    assert z_mean[1, 0] < -0.5
    np.testing.assert_allclose(z_mean[2], [0, 0], atol=1e-6)


def test_more_steps_come_to_rest_where_the_elbo_is_best() -> None:
    x = greys(0.9)
    found = refined(brightness, x, [[0.0, 0.0]], steps=30, z_log_var=-2.0)
    np.testing.assert_allclose(refined(brightness, x, found, steps=1, z_log_var=-2.0), found, atol=1e-4)
    # 16 pixels of cross entropy against the prior: the root of 16 (sigmoid(z) - 0.9) + z, near enough.
    assert found[0, 0] == pytest.approx(1.46, abs=0.15)
    assert found[0, 1] == pytest.approx(0, abs=1e-4)


def test_no_step_changes_nothing() -> None:
    np.testing.assert_array_equal(refined(brightness, greys(1), [[0.25, -0.5]], steps=0), [[0.25, -0.5]])


def test_refining_starts_from_the_best_point_unless_the_encoder_knows_a_better_one() -> None:
    x = greys(1, 0, 0.5)
    points = ops.array([[-1.5, 0.0], [1.5, 0.0], [0.25, 0.0]])
    # Of the third image the encoder is right, and no point is.
    start = choose_start(brightness, x, ops.array([[-1.0, 0.0], [0.0, 0.5], [0.0, 0.0]]), points)
    np.testing.assert_allclose(start, [[1.5, 0.0], [-1.5, 0.0], [0.0, 0.0]])


def test_the_lead_is_that_of_the_best_start_over_the_next() -> None:
    z_mean = ops.array([[0.0, 0.0], [0.0, 3.0]])
    lead = measure_lead(indifferent, greys(0, 0), z_mean, ops.array([[1.0, 0.0], [0.0, 2.0]]))
    np.testing.assert_allclose(lead, [0.5, 1.5])
    twice = measure_lead(indifferent, greys(0), z_mean[1:], ops.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(twice, [0.0])


def test_it_gains_on_what_the_encoder_says(run: Run, digits: Dataset) -> None:
    x = scale(digits.test.x)
    amortized = run.model.encoder(x)
    q = run.model.infer(x)
    assert np.array_equal(q["z_log_var"], amortized["z_log_var"])

    def negative_elbo(z_mean: Any) -> float:
        z_log_var = np.asarray(q["z_log_var"])
        epsilon = np.random.RandomState(0).standard_normal((8, *z_log_var.shape)).astype(np.float32)
        draws = [run.model.decoder(np.asarray(z_mean) + np.exp(z_log_var / 2) * e) for e in epsilon]
        reconstruction = np.mean([losses.reconstruction_loss(x, x_logits) for x_logits in draws])
        return float(reconstruction + np.mean(losses.kl_divergence(z_mean, z_log_var)))

    # Two epochs teach z little, so there is little to gain: 0.018.
    assert negative_elbo(q["z_mean"]) < negative_elbo(amortized["z_mean"]) - 0.01
