from __future__ import annotations

import numpy as np
import pytest

from training.models.layers import DepthToSpace, Reshape, Sampling

N = 50_000


def test_sampling_has_the_mean_and_variance_it_is_given() -> None:
    z_mean = np.tile(np.array([0, -1.5, 3], np.float32), (N, 1))
    z_log_var = np.tile(np.array([0, -4, 1], np.float32), (N, 1))
    z = np.asarray(Sampling(seed=0)((z_mean, z_log_var)), np.float64)
    stddev = np.exp(z_log_var[0] / 2)
    # Five standard errors of a mean and of a variance over so many draws.
    assert (np.abs(z.mean(axis=0) - z_mean[0]) < 5 * stddev / np.sqrt(N)).all()
    assert (np.abs(z.var(axis=0) / stddev**2 - 1) < 5 * np.sqrt(2 / N)).all()
    assert np.abs(np.corrcoef(z.T) - np.eye(3)).max() < 5 / np.sqrt(N)


def test_sampling_draws_anew_each_time_and_repeats_from_its_seed() -> None:
    zeros = np.zeros((4, 2), np.float32)
    first, second = Sampling(seed=1), Sampling(seed=1)
    draws = [np.asarray(first((zeros, zeros))) for _ in range(2)]
    assert not np.array_equal(draws[0], draws[1])
    assert len(np.unique(draws[0])) == draws[0].size
    assert np.array_equal(draws[0], np.asarray(second((zeros, zeros))))
    assert not np.array_equal(draws[0], np.asarray(Sampling(seed=2)((zeros, zeros))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("block", [1, 2, 4])
def test_depth_to_space_turns_channels_into_a_block(channels: int, block: int) -> None:
    x = np.random.default_rng(0).random((2, 3, 5, block**2 * channels)).astype(np.float32)
    y = np.asarray(DepthToSpace(block)(x))
    assert y.shape == (2, 3 * block, 5 * block, channels)
    for row in range(block):
        for column in range(block):
            start = (block * row + column) * channels
            assert np.array_equal(y[:, row::block, column::block], x[..., start : start + channels])


def test_reshape_keeps_the_order_and_the_batch() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 12)
    assert np.array_equal(np.asarray(Reshape((3, 4))(x)), x.reshape(2, 3, 4))
