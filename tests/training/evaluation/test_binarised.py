from __future__ import annotations

import numpy as np

from tests.training.evaluation.test_metrics import decode, images
from training.data.datasets import scale
from training.evaluation.binarised import binarise, measure_binarised
from training.evaluation.latent_mixture import Mixture


def encode(x: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> dict[str, object]:
    light = x.mean(axis=(1, 2, 3))
    return {"z_mean": np.stack([light, light], axis=1), "z_log_var": np.full((len(x), 2), -1.0)}


def test_pixels_are_white_as_often_as_they_are_light() -> None:
    split = images(2000)
    drawn = binarise(split, seed=3)
    assert set(np.unique(drawn.x)) == {0, 255}
    assert np.array_equal(drawn.x, binarise(split, seed=3).x)
    assert not np.array_equal(drawn.x, binarise(split, seed=4).x)
    assert np.array_equal(drawn.label, split.label)
    sure = (split.x == 0) | (split.x == 255)
    assert np.array_equal(drawn.x[sure], split.x[sure])
    shares = [scale(drawn.x)[(split.x // 32) == step].mean() for step in range(8)]
    np.testing.assert_allclose(shares, [(32 * step + 15.5) / 255 for step in range(8)], atol=0.02)


def test_likelihoods_are_those_of_the_drawn_images_under_each_prior() -> None:
    split = images(40)
    normal = Mixture(
        np.ones(1, np.float32), np.zeros((1, 2), np.float32), np.eye(2, dtype=np.float32)[np.newaxis]
    )
    found = measure_binarised(encode, decode, split, 200, mixture=normal)
    assert found["mixture_prior"]["importance_likelihood"] == found["importance_likelihood"]
    assert abs(found["importance_likelihood"] - found["exact_likelihood"]) < 0.1
    # All pixels alike and z free: at best the entropy of the share that is white, 16 pixels an image.
    assert 10 < found["exact_likelihood"] < 13
    assert "mixture_prior" not in measure_binarised(encode, decode, split, 20)
