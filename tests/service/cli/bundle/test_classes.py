from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.cli.bundle.classes import describe_classes
from service.core.arrays import Floats


def test_a_class_is_described_by_its_own_vectors_alone() -> None:
    random = np.random.RandomState(0)
    label = np.array([3] * 40 + [8] * 60)
    z_mean = random.normal(0, 1, (100, 2)).astype(np.float32)
    # Posteriors of one class are narrow, of the other wide.
    z_log_var = np.where(label == 3, -4.0, 1.0)[:, np.newaxis].repeat(2, axis=1).astype(np.float32)
    found = describe_classes(z_mean, z_log_var, label, None)
    assert [(entry["label"], entry["count"]) for entry in found] == [(3, 40), (8, 60)]
    for entry, variance in zip(found, np.exp([-4.0, 1.0]), strict=True):
        z = z_mean[label == entry["label"]]
        np.testing.assert_allclose(entry["z_mean"], z.mean(axis=0), atol=1e-5)
        expected = np.cov(z.T, bias=True) + variance * np.eye(2)
        np.testing.assert_allclose(entry["covariance"], expected, atol=1e-5)


def cloud(rows: int, place: tuple[float, float], spread: float, seed: int) -> NDArray[np.float64]:
    return np.array(place) + np.random.RandomState(seed).normal(0, spread, (rows, 2))


def components(
    z_mean: NDArray[np.float64], label: NDArray[np.int64], read: Callable[[Floats], Floats], variance: float
) -> dict[int, list[dict[str, Any]]]:
    z_log_var = np.full(z_mean.shape, np.log(variance), np.float32)
    found = describe_classes(z_mean.astype(np.float32), z_log_var, label, read)
    return {entry["label"]: entry["components"] for entry in found}


def test_a_class_has_a_part_for_each_of_its_places() -> None:
    clouds = [cloud(300, (0, 0), 0.2, 0), cloud(100, (8, 0), 0.1, 1), cloud(150, (0, 9), 0.3, 2)]
    label = np.array([4] * 400 + [6] * 150)
    found = components(np.concatenate(clouds), label, lambda z: z, 0.05)
    assert sum(part["weight"] for part in found[4]) == pytest.approx(1, abs=1e-5)
    near = [part["weight"] for part in found[4] if part["z_mean"][0] > 4]
    assert sum(near) == pytest.approx(0.25, abs=1e-5)
    weights = [part["weight"] for part in found[4]]
    assert weights == sorted(weights, reverse=True)
    # One part for a hundred vectors.
    assert len(found[6]) == 1
    (part,) = found[6]
    np.testing.assert_allclose(part["z_mean"], clouds[2].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(part["stddev"], np.sqrt(clouds[2].var(axis=0) + 0.05), atol=1e-5)


@pytest.mark.parametrize(("rows", "parts"), [(199, 1), (200, 2), (950, 8)])
def test_a_part_has_a_hundred_vectors_and_a_class_eight_parts(rows: int, parts: int) -> None:
    places = np.random.RandomState(0).uniform(-1, 1, (rows, 2))
    label = np.zeros(rows, np.int64)
    assert len(components(places, label, lambda z: z, 0.01)[0]) == parts


def test_a_gaussian_is_narrowed_until_its_draws_are_read_as_its_class() -> None:
    clouds = [cloud(100, (0, 0), 0.5, 0), cloud(100, (10, 0), 0.5, 1)]
    label = np.array([0] * 100 + [1] * 100)
    # What lies farther from the middle than this is read as the other class.
    for bound, scale in ((9.0, 1.0), (2.6, 0.8), (2.1, 0.65), (0.9, 0.3), (0.35, 0.1)):

        def read(z: Floats, bound: float = bound) -> Floats:
            far = np.linalg.norm(z, axis=1) > bound
            moved: Floats = np.where(far[:, np.newaxis], np.float32(10) - z * 0, z).astype(np.float32)
            return moved

        z = np.concatenate(clouds)
        (part,) = components(z, label, read, 0.75)[0]
        whole = np.sqrt(clouds[0].var(axis=0) + 0.75)
        np.testing.assert_allclose(part["stddev"], whole * scale, atol=1e-5)
        assert part["weight"] == 1


def test_where_nothing_is_read_rightly_the_best_is_taken() -> None:
    clouds = [cloud(300, (0, 0), 0.1, 0), cloud(100, (6, 6), 0.1, 1)]
    label = np.array([0] * 300 + [1] * 100)
    found = components(np.concatenate(clouds), label, lambda z: np.full_like(z, 6), 0.01)
    # Of equals the first: the largest part, as wide as it is.
    (part,) = found[0]
    assert part["weight"] == 1
    assert np.abs(part["z_mean"]).max() < 0.5
    assert found[1][0]["weight"] == 1


def test_only_vectors_among_their_own_make_up_a_part() -> None:
    # Half of a class lies among the other, whose vectors are many.
    clouds = [cloud(100, (0, 0), 0.1, 0), cloud(100, (9, 0), 0.5, 1), cloud(900, (9, 0), 0.5, 2)]
    label = np.array([0] * 200 + [1] * 900)
    (part,) = components(np.concatenate(clouds), label, lambda z: z, 0.01)[0]
    np.testing.assert_allclose(part["z_mean"], clouds[0].mean(axis=0), atol=1e-5)
