from __future__ import annotations

import numpy as np
import pytest

from training.data.datasets import Split
from training.models.encoding import Floats, Posteriors, count_encoded, encode


def test_few_large_images_are_encoded_at_a_time_and_come_in_order() -> None:
    split = Split(np.zeros((30, 200, 250, 1), np.uint8), np.zeros(30, np.int64))
    split.x[:, 0, 0, 0] = np.arange(30)
    seen: list[int] = []

    def encoder(x: Floats) -> dict[str, Floats]:
        seen.append(len(x))
        mark = np.rint(x[:, 0, 0] * 255)
        return {"z_mean": mark, "z_log_var": -mark}

    q = encode(encoder, split)
    assert seen == [10, 10, 10]
    assert q.z_mean[:, 0].tolist() == list(range(30))
    assert q.z_log_var[:, 0].tolist() == [-i for i in range(30)]


@pytest.mark.parametrize(("shape", "expected"), [((28, 28, 1), 500), ((64, 64, 3), 40), ((900, 900, 3), 1)])
def test_larger_pictures_are_encoded_fewer_at_a_time(shape: tuple[int, ...], expected: int) -> None:
    assert count_encoded(shape) == expected


def test_draws_have_the_mean_and_the_variance_of_their_own_image() -> None:
    z_mean = np.array([[0, 5], [-3, 2]], np.float32)
    z_log_var = np.log(np.array([[1, 4], [0.25, 9]], np.float32))
    rows = np.repeat([1, 0], 20_000)
    z = Posteriors(z_mean, z_log_var, np.array([7, 8])).pick(rows).draw(np.random.RandomState(0))
    assert z.dtype == np.float64
    np.testing.assert_allclose(z[:20_000].mean(axis=0), [-3, 2], atol=0.1)
    np.testing.assert_allclose(z[:20_000].var(axis=0), [0.25, 9], rtol=0.05)
    np.testing.assert_allclose(z[20_000:].var(axis=0), [1, 4], rtol=0.05)
