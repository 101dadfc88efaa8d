from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from training.evaluation import class_mixtures
from training.evaluation.likelihood import Floats
from training.models.encoding import Posteriors


def posteriors(groups: list[tuple[int, tuple[float, float], float, int]]) -> Posteriors:
    """Groups of (label, middle, standard deviation, count)."""
    rng = np.random.RandomState(0)
    z_mean = np.concatenate([rng.normal(middle, sigma, (count, 2)) for _, middle, sigma, count in groups])
    label = np.repeat([group[0] for group in groups], [group[3] for group in groups])
    return Posteriors(z_mean.astype(np.float32), np.full(z_mean.shape, -6, np.float32), label)


def same(z: Floats) -> Floats:
    return z


def draw(components: list[dict[str, object]], n: int) -> NDArray[np.float64]:
    rng = np.random.RandomState(1)
    weights = np.array([part["weight"] for part in components], float)
    picked = rng.choice(len(components), n, p=weights / weights.sum())
    means, spreads = (np.array([part[name] for part in components]) for name in ("z_mean", "stddev"))
    drawn: NDArray[np.float64] = means[picked] + spreads[picked] * rng.standard_normal((n, 2))
    return drawn


def test_statistics_add_both_variances() -> None:
    rng = np.random.RandomState(0)
    z_mean = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(3, 2, (300, 2))]).astype(np.float32)
    z_log_var = np.log(np.tile([0.5, 2.0], (800, 1))).astype(np.float32)
    low, high = class_mixtures.describe_classes(Posteriors(z_mean, z_log_var, np.repeat([4, 9], [500, 300])))
    assert (low["label"], low["count"], high["label"], high["count"]) == (4, 500, 9, 300)
    np.testing.assert_allclose(high["z_mean"], z_mean[500:].mean(axis=0), atol=1e-5)
    expected = np.cov(z_mean[:500].T, bias=True) + np.diag([0.5, 2.0])
    np.testing.assert_allclose(low["covariance"], expected, atol=1e-4)
    assert "components" not in low


def test_a_class_in_two_places_is_drawn_in_both_and_not_between() -> None:
    # The mean of class 1 lies in the middle of class 2.
    q = posteriors([(1, (-4, 0), 0.5, 600), (2, (0, 0), 0.5, 600), (1, (4, 0), 0.5, 300)])
    one, two = (class_mixtures.class_components(q, same)[label] for label in (1, 2))
    x = draw(one, 2000)[:, 0]
    assert ((x < -2) | (x > 2)).mean() > 0.99
    assert 0.6 < (x < 0).mean() < 0.73
    assert (np.abs(draw(two, 2000)[:, 0]) < 2).mean() > 0.99
    assert one[0]["weight"] == max(part["weight"] for part in one)


def test_classes_that_overlap_are_drawn_where_they_do_not() -> None:
    q = posteriors([(1, (-1, 0), 1.0, 1000), (2, (1, 0), 1.0, 1000)])
    neighbours = KNeighborsClassifier(15).fit(q.z_mean, q.label)
    found = class_mixtures.class_components(q, same)
    whole = q.z_mean[q.label == 1]
    assert (neighbours.predict(whole) == 1).mean() < 0.9
    for label in (1, 2):
        assert (neighbours.predict(draw(found[label], 2000)) == label).mean() > 0.97


def test_what_is_read_decides_and_not_where_it_lies() -> None:
    # Whatever lies right of -4.5 looks like class 2.
    q = posteriors([(1, (-5, 0), 0.5, 400), (2, (5, 0), 0.5, 400)])
    found = class_mixtures.class_components(q, lambda z: np.where(z[:, :1] > -4.5, -z.clip(-9, -5), z))
    assert (draw(found[1], 2000)[:, 0] < -4.5).mean() > 0.97


def test_a_class_without_a_core_still_has_a_component() -> None:
    rng = np.random.RandomState(3)
    label = np.repeat([1, 2, 3], [200, 200, 5])
    q = Posteriors(rng.normal(0, 1, (405, 2)).astype(np.float32), np.full((405, 2), -6, np.float32), label)
    found = class_mixtures.class_components(q, same)
    assert {key: len(parts) for key, parts in found.items()}[3] == 1
    assert all(part["stddev"][0] > 0 for parts in found.values() for part in parts)


def test_what_is_soon_seen_to_be_ambiguous_is_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, read = np.random.RandomState(3), []

    def watch(z: Floats) -> Floats:
        read.append(len(z))
        return z

    # Twenty classes in one place, and one apart.
    z_mean = np.concatenate([rng.normal(0, 1, (2000, 2)), rng.normal(20, 1, (100, 2))]).astype(np.float32)
    label = np.concatenate([np.arange(2000) % 20, np.full(100, 20)])
    q = Posteriors(z_mean, np.full((2100, 2), -6, np.float32), label)
    found = class_mixtures.class_components(q, watch)
    scales, draws = len(class_mixtures.SCALES), class_mixtures.DRAWS
    assert sum(read) < 20 * (draws + 2 * 10 * scales) + 2 * draws < 20 * draws * scales / 3
    monkeypatch.setattr(class_mixtures, "STOPS", (draws,))
    assert class_mixtures.class_components(q, same) == found


def test_a_tiny_part_far_out_is_left_out() -> None:
    q = posteriors([(1, (0, 0), 0.5, 1600), (1, (0, 40), 0.1, 20), (2, (9, 0), 0.5, 400)])
    found = class_mixtures.class_components(q, same)
    assert max(part["z_mean"][1] for part in found[1]) < 10
