from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.training import small
from training.models.optimizers import HalfMuon, make_optimizer


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (32, 32), (2, 50), (1, 7)])
def test_half_muon_orthogonalizes_as_muon_does(shape: tuple[int, int]) -> None:
    gradient = np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    # As wide a range of singular values as bfloat16 keeps.
    u, _, v = np.linalg.svd(gradient, full_matrices=False)
    gradient = (u * np.logspace(0, -1.5, len(v))) @ v
    expected = np.asarray(keras.optimizers.Muon().zeropower_via_newtonschulz5(gradient, 5))
    found = np.asarray(HalfMuon().zeropower_via_newtonschulz5(gradient, 5))
    assert found.dtype == np.float32
    assert np.linalg.norm(found - expected) < 0.05 * np.linalg.norm(expected)


def test_the_precision_decides_which_muon_it_is() -> None:
    half, whole = (
        make_optimizer(small.config(optimizer="muon", muon_precision=precision), 10)
        for precision in ("bfloat16", "float32")
    )
    assert isinstance(half, HalfMuon)
    assert type(whole) is keras.optimizers.Muon
    assert (half.weight_decay, half.adam_weight_decay) == (0.0, 0.0)


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_weight_decay_shrinks_matrices_alone(precision: Any) -> None:
    config = small.config(
        optimizer="muon", muon_precision=precision, weight_decay=0.5, learning_rate=0.1, schedule="constant"
    )
    weights = [keras.Variable(np.ones(shape, np.float32)) for shape in ((4, 3), (3,), (2, 1, 3))]
    make_optimizer(config, 10).apply([np.zeros(each.shape, np.float32) for each in weights], weights)
    for weight, expected in zip(weights, (0.95, 1.0, 1.0), strict=True):
        np.testing.assert_allclose(np.asarray(weight), expected, rtol=1e-6)


def test_half_muon_keeps_what_muon_keeps() -> None:
    weights = [keras.Variable(np.ones((4, 3), np.float32)), keras.Variable(np.ones(3, np.float32))]
    kept = []
    for optimizer in (keras.optimizers.Muon(), HalfMuon()):
        optimizer.build(weights)
        kept.append([variable.shape for variable in optimizer.variables])
    assert kept[0] == kept[1]


def test_cosine_falls_to_a_hundredth_at_the_last_step() -> None:
    rate = make_optimizer(small.config(), 50)._learning_rate
    assert float(rate(50)) == pytest.approx(0.01 * float(rate(0)))
    constant = make_optimizer(small.config(schedule="constant"), 50)._learning_rate
    assert float(constant) == pytest.approx(2e-3)
