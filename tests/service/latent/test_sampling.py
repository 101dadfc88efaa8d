from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.core.choices import Method
from service.latent import interpolation, mixture, sampling

VECTORS = arrays(np.float32, 3, elements=st.floats(-100, 100, width=32))
METHODS: tuple[Method, ...] = ("lerp", "slerp")


@pytest.mark.parametrize("method", METHODS)
@given(start=VECTORS, end=VECTORS, steps=st.integers(2, 20))
def test_a_path_is_finite_and_keeps_its_ends(method: Method, start: Floats, end: Floats, steps: int) -> None:
    path = interpolation.interpolate(start, end, steps, method)
    assert path.shape == (steps, 3)
    assert path.dtype == np.float32
    assert np.isfinite(path).all()
    np.testing.assert_array_equal(path[0], start)
    np.testing.assert_array_equal(path[-1], end)


def test_lerp_divides_the_line_evenly() -> None:
    path = interpolation.interpolate(np.array([0, 4], np.float32), np.array([8, 0], np.float32), 5, "lerp")
    np.testing.assert_allclose(path, [[0, 4], [2, 3], [4, 2], [6, 1], [8, 0]])


def test_slerp_turns_evenly_and_interpolates_the_radius() -> None:
    path = interpolation.interpolate(np.array([1, 0], np.float32), np.array([0, 3], np.float32), 3, "slerp")
    np.testing.assert_allclose(path[1], [2 * np.sqrt(0.5)] * 2, rtol=1e-6)


@pytest.mark.parametrize(("end", "middle"), [([-2, 0], [-0.5, 0]), ([3, 0], [2, 0]), ([0, 0], [0.5, 0])])
def test_slerp_without_one_arc_is_the_line(end: list[float], middle: list[float]) -> None:
    path = interpolation.interpolate(np.array([1, 0], np.float32), np.array(end, np.float32), 3, "slerp")
    np.testing.assert_allclose(path[1], middle, atol=1e-6)


@pytest.mark.parametrize("method", ["lerp", "slerp"])
def test_each_leg_of_a_walk_is_a_path_of_its_own(method: Literal["lerp", "slerp"]) -> None:
    # To zero and on, to the opposite, on in the same direction, and round a corner.
    stops = np.array([[1, 2], [0, 0], [1, 0], [-2, 0], [-4, 0], [0, 3]], np.float32)
    legs = itertools.pairwise(stops)
    paths = [interpolation.interpolate(start, end, 5, method)[:-1] for start, end in legs]
    walk = interpolation.walk(stops, 21, method)
    np.testing.assert_allclose(walk, np.concatenate([*paths, stops[-1:]]), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(walk[::4], stops)


def test_the_default_method_follows_the_dimensions() -> None:
    assert [interpolation.default_method(d) for d in (1, 3, 4, 16)] == ["lerp", "lerp", "slerp", "slerp"]


def test_a_seed_draws_what_it_always_drew() -> None:
    # Known since NumPy 1: RandomState(0).standard_normal.
    np.testing.assert_allclose(
        sampling.sample_normal(0, (3,)), [1.76405235, 0.40015721, 0.97873798], rtol=1e-8
    )


def one_gaussian(mean: Floats, covariance: NDArray[np.float64]) -> mixture.Mixture:
    return mixture.mix([mean], [mixture.covariance_root(covariance)], [1.0])


def test_draws_from_a_class_have_its_mean_and_covariance() -> None:
    mean, covariance = np.array([1, -2], np.float32), np.array([[2.0, 0.6], [0.6, 0.5]])
    drawn_from = one_gaussian(mean, covariance)
    draws = np.concatenate([mixture.sample_mixture(drawn_from, seed) for seed in range(4000)])
    # Four standard errors of a mean, and of a covariance, over 4,000 draws.
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=4 * np.sqrt(2 / 4000))
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=4 * 2 * np.sqrt(2 / 4000))


def test_temperature_scales_the_spread() -> None:
    mean = np.array([1, -2], np.float32)
    drawn_from = one_gaussian(mean, np.eye(2))
    np.testing.assert_array_equal(mixture.sample_mixture(drawn_from, 5, 0.0), [mean])
    one, two = (mixture.sample_mixture(drawn_from, 5, t) - mean for t in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-5)


def test_components_are_drawn_as_often_as_they_weigh() -> None:
    means = [np.array([x, -x], np.float32) for x in (0.0, 10.0, 20.0)]
    drawn_from = mixture.mix(means, [np.diag(np.array([0.5, 0.1], np.float32))] * 3, [6, 3, 1])
    draws = np.concatenate([mixture.sample_mixture(drawn_from, seed) for seed in range(4000)])
    nearest = (draws[:, 0] / 10).round().astype(int)
    shares = np.bincount(nearest) / len(draws)
    # Four standard errors of a share, and of a standard deviation, over 4,000 draws.
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=4 * np.sqrt(0.25 / 4000))
    spread = (draws - np.stack(means)[nearest]).std(axis=0)
    np.testing.assert_allclose(spread, [0.5, 0.1], rtol=4 / np.sqrt(2 * 4000))


@pytest.mark.parametrize("temperature", [1, 1.0, 0.7])
def test_a_seed_draws_a_component_and_a_point_of_it(temperature: float) -> None:
    means = [np.array([x, -x / 3], np.float32) for x in (0.1, 10.7, 20.3)]
    roots = [mixture.covariance_root(np.array([[0.3 + x, 0.1], [0.1, 0.2]])) for x in (0.0, 0.4, 0.7)]
    drawn_from = mixture.mix(means, roots, [6, 3, 1])
    for seed in range(200):
        stream = np.random.RandomState(seed)
        epsilon, share = stream.standard_normal(2), stream.random_sample()
        i = sum(share >= bound for bound in (0.6, 0.9))
        expected = (means[i] + np.float32(temperature) * roots[i] @ epsilon).astype(np.float32)
        np.testing.assert_array_equal(mixture.sample_mixture(drawn_from, seed, temperature), [expected])


def test_every_component_can_be_drawn_and_no_other() -> None:
    means = [np.array([x], np.float32) for x in range(3)]
    drawn_from = mixture.mix(means, [np.zeros((1, 1), np.float32)] * 3, [1e-9, 1.0, 1e-9])
    assert {float(mixture.sample_mixture(drawn_from, seed)[0, 0]) for seed in range(500)} == {1.0}


def test_draws_from_a_posterior_have_its_mean_and_variance() -> None:
    z_mean, z_log_var = np.full((5000, 2), 3, np.float32), np.full((5000, 2), np.log(0.25), np.float32)
    z = sampling.sample_posterior(z_mean, z_log_var, 7)
    # Four standard errors over 10,000 draws of standard deviation 0.5.
    assert abs(z.mean() - 3) < 4 * 0.5 / 100
    assert abs(z.var() - 0.25) < 4 * 0.25 * np.sqrt(2) / 100


def test_a_singular_covariance_has_a_root() -> None:
    covariance = np.array([[1.0, 1.0], [1.0, 1.0]])
    root = mixture.covariance_root(covariance)
    np.testing.assert_allclose(root @ root.T, covariance, atol=1e-6)


@pytest.mark.parametrize("variances", [[1e4, -1e-3], [1e-9, -1e-7]])
def test_an_eigenvalue_below_0_by_a_rounding_is_none(variances: list[float]) -> None:
    root = mixture.covariance_root(np.diag(variances))
    np.testing.assert_allclose(root, np.diag([np.sqrt(variances[0]), 0]), rtol=1e-6)


@pytest.mark.parametrize(
    "matrix", [[[1.0, 0.5], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[1e-9, 0.0], [0.0, -1e-5]]]
)
def test_what_is_no_covariance_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="covariance: expected"):
        mixture.covariance_root(np.array(matrix))


def test_a_stream_is_that_of_a_new_one() -> None:
    for seed in (0, 7, 2**32 - 1, 7):
        stream, new = sampling.open_stream(seed), np.random.RandomState(seed)
        assert stream.standard_normal() == new.standard_normal()  # of the pair that is made, one is left
        np.testing.assert_array_equal(stream.standard_normal(3), new.standard_normal(3))
        assert stream.random_sample() == new.random_sample()


def test_slerp_turns_evenly_and_changes_its_length_evenly() -> None:
    path = interpolation.interpolate(np.array([2, 0], np.float32), np.array([0, 5], np.float32), 4, "slerp")
    angles = np.radians([0, 30, 60, 90])
    expected = np.array([2, 3, 4, 5])[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(path, expected, atol=1e-6)
