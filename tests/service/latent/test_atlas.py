from __future__ import annotations

import numpy as np
import pytest

from service.latent.atlas import Atlas


@pytest.mark.parametrize("dim", [1, 2, 16])
def test_the_nearest_are_those_that_a_whole_search_finds(dim: int) -> None:
    random = np.random.RandomState(0)
    points, z = (random.standard_normal((n, dim)).astype(np.float32) for n in (500, 20))
    label = random.randint(0, 10, 500)
    found = Atlas(points, label).nearest(z, 7)
    distances = np.linalg.norm(points[None].astype(np.float64) - z[:, None], axis=2)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(found.index, expected)
    np.testing.assert_array_equal(found.label, label[expected])
    np.testing.assert_allclose(found.distance, np.take_along_axis(distances, expected, axis=1))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8])
def test_of_equal_distances_the_earlier_point_comes_first(k: int) -> None:
    points = np.array([[5, 0], [0, 2], [2, 0], [9, 9], [0, -2], [-2, 0], [1, 0], [0, 2]], np.float32)
    found = Atlas(points, np.arange(8)).nearest(np.zeros((3, 2), np.float32), k)
    assert found.index.tolist() == [[6, 1, 2, 4, 5, 7, 0, 3][:k]] * 3


@pytest.mark.parametrize("k", [1, 5, 100, 1999, 2000])
def test_of_many_that_are_equally_near_the_earlier_come_first(k: int) -> None:
    points = np.random.RandomState(0).randint(-5, 6, (2000, 2)).astype(np.float32)
    found = Atlas(points, np.zeros(2000, np.int64)).nearest(np.zeros((1, 2), np.float32), k)
    expected = np.argsort((points**2).sum(axis=1), kind="stable")[:k]
    np.testing.assert_array_equal(found.index, expected[np.newaxis])


def test_there_are_no_more_than_all() -> None:
    atlas = Atlas(np.array([[1], [3]], np.float32), np.array([5, 6]))
    assert atlas.nearest(np.array([[2.9]], np.float32), 9).label.tolist() == [[6, 5]]


def test_a_plane_of_few_dimensions_is_these() -> None:
    points = np.array([[1, 2], [3, 4]], np.float32)
    np.testing.assert_array_equal(Atlas(points, np.zeros(2, np.int64)).plane, points)
    np.testing.assert_array_equal(Atlas(points[:, :1], np.zeros(2, np.int64)).plane, [[1, 0], [3, 0]])


def test_a_plane_of_many_shows_where_they_differ_most() -> None:
    random = np.random.RandomState(0)
    spread = np.array([0.1, 5, 0.1, 1, 0.1])
    points = (random.standard_normal((2000, 5)) * spread + 3).astype(np.float32)
    plane = Atlas(points, np.zeros(2000, np.int64)).plane
    # The second and the fourth dimension, centred; an axis may lean by a degree or so.
    np.testing.assert_allclose(plane, (points - points.mean(axis=0))[:, [1, 3]], atol=0.6)
    np.testing.assert_allclose(plane.std(axis=0), [5, 1], rtol=0.05)


@pytest.mark.parametrize(
    ("variances", "widest"),
    [([1.0], (0, 1)), ([0.1, 2.0], (0, 1)), ([0.0, 0.4, 0.0, 0.9], (1, 3)), ([1.0, 1.0, 1.0], (0, 1))],
)
def test_the_widest_dimensions_are_those_that_the_model_uses(
    variances: list[float], widest: tuple[int, int]
) -> None:
    ends = np.sqrt(np.array([variances])) * np.array([[-1], [1]])
    atlas = Atlas(ends.astype(np.float32), np.zeros(2, np.int64))
    assert atlas.widest == widest
