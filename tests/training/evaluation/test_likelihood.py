from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluation.test_metrics import decode, images
from training.data.datasets import Split
from training.evaluation import likelihood
from training.evaluation.likelihood import Floats, Labels, importance_likelihood
from training.evaluation.metrics import measure
from training.evaluation.quadrature import exact_likelihood
from training.models.encoding import Posteriors


def test_each_sample_is_decoded_with_its_image_s_label() -> None:
    split = images(3)
    split.label[:] = [2, 0, 1]
    seen: list[int] = []

    def note(z: Floats, label: Labels) -> Floats:
        seen.extend(label)
        return decode(z, label)

    importance_likelihood(note, np.zeros((3, 2), np.float32), np.zeros((3, 2), np.float32), split, 4)
    assert seen == [2] * 4 + [0] * 4 + [1] * 4


def test_the_integral_of_a_model_whose_integral_is_known() -> None:
    # p(x|z) is 0.9 for one black or white picture where z[0] > 0, else 0.1: p(x) is 0.5 for each.
    def half(z: Floats, _: Labels) -> Floats:
        return np.where(z[:, :1] > 0, 0.9, 0.1).astype(np.float32).reshape(-1, 1, 1, 1)

    split = Split(np.array([0, 255], np.uint8).reshape(2, 1, 1, 1), np.array([3, 8]))
    z_mean, zeros = np.array([[-0.5, 0], [0.5, 0]], np.float32), np.zeros((2, 2), np.float32)
    assert importance_likelihood(half, z_mean, zeros, split, 20_000) == pytest.approx(np.log(2), abs=0.02)


def test_what_is_in_memory_at_a_time_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    split, zeros = images(7), np.zeros((7, 2), np.float32)
    whole = importance_likelihood(decode, zeros, zeros, split, 30)
    most: list[int] = []

    def note(z: Floats, label: Labels) -> Floats:
        most.append(len(z))
        return decode(z, label)

    monkeypatch.setattr(likelihood, "PIXELS", 16 * 60)
    assert importance_likelihood(note, zeros, zeros, split, 30) == pytest.approx(whole, abs=1e-6)
    assert max(most) == 60


def test_more_samples_come_nearer_to_the_likelihood_from_above() -> None:
    split, zeros = images(40), np.zeros((40, 2), np.float32)
    bound = measure(decode, Posteriors(zeros, zeros, split.label), split)["negative_elbo"]
    few, many = (importance_likelihood(decode, zeros, zeros, split, samples) for samples in (10, 2000))
    exact = exact_likelihood(decode, zeros, zeros, split).marginal
    assert bound > few > many
    assert many == pytest.approx(exact, abs=0.05)
