from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from service.bundles.reader import read_bundle
from service.core.errors import BundleError, InvalidValueError, NotFoundError
from service.latent import sampling
from service.latent.point import Point
from service.latent.space import LatentSpace
from tests.service import fake

CLASSES = [
    {"label": 3, "z_mean": [1.0, 2.0], "covariance": [[0.1, 0.0], [0.0, 0.2]], "count": 4},
    {"label": 8, "z_mean": [-1.0, 0.5], "covariance": [[0.1, 0.05], [0.05, 0.1]], "count": 4},
]


def make(folder: pathlib.Path, **changes: Any) -> LatentSpace:
    fake.write_bundle(folder / "fake", **changes)
    return LatentSpace(read_bundle(folder / "fake").manifest, max_rows=9)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> LatentSpace:
    return make(tmp_path_factory.mktemp("models"), classes=CLASSES)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> LatentSpace:
    return make(tmp_path_factory.mktemp("models"), conditional=True)


@pytest.mark.parametrize(
    ("z", "says"),
    [
        (np.zeros((1, 3)), r"z: expected 2 numbers a vector \(latent_dim of fake\), received 3"),
        (np.zeros((10, 2)), "z: expected at most 9 in one request, received 10"),
        (np.array([[0, 1], [2, -1e9]]), r"z: expected numbers in \[-10000, 10000\], received -1000000000.0"),
    ],
)
def test_vectors_that_do_not_fit_the_model_are_refused(
    space: LatentSpace, z: np.ndarray[tuple[int, int], np.dtype[np.float64]], says: str
) -> None:
    with pytest.raises(InvalidValueError, match=says):
        space.place(z)


def test_goes_from_a_class_to_a_vector(space: LatentSpace) -> None:
    rows = space.connect([Point("from", digit=3), Point("to", z=np.array([3.0, 0.0]))], 3, "lerp")
    np.testing.assert_allclose(rows, [[1, 2], [2, 1], [3, 0]])


def test_two_dimensions_are_crossed_straight_by_default(space: LatentSpace) -> None:
    ends = Point("from", z=np.array([1.0, 0.0])), Point("to", z=np.array([0.0, 1.0]))
    np.testing.assert_allclose(space.connect(ends, 3, None)[1], [0.5, 0.5])


def test_a_label_turns_into_the_other_as_evenly_as_the_path(conditional: LatentSpace) -> None:
    ends = Point("from", z=np.array([1.0, 0.0]), label=3), Point("to", z=np.array([0.0, 1.0]), label=7)
    for method in ("lerp", "slerp"):
        labels = conditional.connect(ends, 5, method)[:, 2:]
        expected = np.zeros((5, 10))
        expected[:, 3], expected[:, 7] = [1, 0.75, 0.5, 0.25, 0], [0, 0.25, 0.5, 0.75, 1]
        np.testing.assert_allclose(labels, expected, atol=1e-7)


def test_a_path_goes_through_all_points_and_their_labels(conditional: LatentSpace) -> None:
    places = [[1.0, 0.0], [0.0, 1.0], [3.0, 1.0]]
    points = [Point("z", z=np.array(z), label=label) for z, label in zip(places, (3, 7, 3), strict=True)]
    rows = conditional.connect(points, 5, "lerp")
    np.testing.assert_array_equal(rows[:, :2], [[1, 0], [0.5, 0.5], [0, 1], [1.5, 1], [3, 1]])
    np.testing.assert_array_equal(rows[:, 2 + 7], [0, 0.5, 1, 0.5, 0])
    # As many to each leg as can be; both ends always.
    np.testing.assert_allclose(conditional.connect(points, 4, "lerp")[:, 0], [1, 1 / 3, 1, 3])
    with pytest.raises(InvalidValueError, match="steps: expected at least 3, one for each point, received 2"):
        conditional.connect(points, 2, "lerp")


def test_a_bad_end_is_named(space: LatentSpace) -> None:
    good = Point("from", digit=3)
    with pytest.raises(InvalidValueError, match=r"to\.z: expected 2 numbers"):
        space.connect([good, Point("to", z=np.zeros(3))], 3, "lerp")
    with pytest.raises(NotFoundError, match=r"to\.digit: expected a class of fake \(3, 8\), received 4"):
        space.connect([good, Point("to", digit=4)], 3, "lerp")
    with pytest.raises(InvalidValueError, match=r"to: expected 2 numbers"):
        space.connect([good, Point("to", z=np.zeros(3), at="to")], 3, "lerp")
    with pytest.raises(InvalidValueError, match="steps: expected at most 9"):
        space.connect([good, good], 10, "lerp")


def test_draws_from_the_class(space: LatentSpace) -> None:
    np.testing.assert_array_equal(space.draw(8, 1, 0.0), np.array([[-1, 0.5]], np.float32))
    one, again, other = (space.draw(8, seed, 1.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


def test_a_class_of_several_parts_is_drawn_from_them(tmp_path: pathlib.Path) -> None:
    parts = [
        {"weight": 0.75, "z_mean": [4.0, 4.0], "stddev": [0.0, 0.0]},
        {"weight": 0.25, "z_mean": [-4.0, 4.0], "stddev": [0.0, 0.0]},
    ]
    space = make(tmp_path, classes=[{**CLASSES[0], "components": parts}])
    drawn = {tuple(row) for seed in range(5) for row in space.draw(3, seed, 1.0, 9).tolist()}
    assert drawn == {(4.0, 4.0), (-4.0, 4.0)}
    rows = space.connect([Point("from", digit=3), Point("to", z=np.array([1.0, 1.0]))], 2, "lerp")
    np.testing.assert_array_equal(rows[0], [4.0, 4.0])


def test_classes_that_are_no_gaussians_are_refused(tmp_path: pathlib.Path) -> None:
    wrong = [{**CLASSES[0], "covariance": [[1.0, 2.0], [2.0, 1.0]]}]
    with pytest.raises(BundleError, match="classes: label 3: covariance: expected no eigenvalue below 0"):
        make(tmp_path, classes=wrong)


def test_fewer_samples_are_the_first_of_more(space: LatentSpace, conditional: LatentSpace) -> None:
    for some in (space, conditional):
        np.testing.assert_array_equal(some.sample(5, 1.0, 3), some.sample(5, 1.0, 9)[:3])
        np.testing.assert_array_equal(some.draw(8, 5, 1.0, 3), some.draw(8, 5, 1.0, 9)[:3])
        assert (some.sample(5, 1.0, 3) != some.sample(6, 1.0, 3)).any()


def test_samples_are_standard_normal_times_the_temperature(space: LatentSpace) -> None:
    z = np.concatenate([space.sample(seed, 2.0, 9) for seed in range(1000)])
    # 18,000 numbers: the mean's standard error is 0.015, the deviation's 0.011.
    assert abs(z.mean()) < 0.06
    assert abs(z.std() - 2) < 0.05
    np.testing.assert_array_equal(space.sample(5, 0.0, 2), np.zeros((2, 2)))


def test_samples_have_labels_as_often_as_the_training_images(tmp_path: pathlib.Path) -> None:
    identity = [[1.0, 0.0], [0.0, 1.0]]
    classes = [
        {"label": i, "z_mean": [0.0, 0.0], "covariance": identity, "count": 8 if i == 3 else 1}
        for i in range(10)
    ]
    space = make(tmp_path, conditional=True, classes=classes)
    shares = np.concatenate([space.sample(seed, 1.0, 9)[:, 2:] for seed in range(1000)]).mean(axis=0)
    np.testing.assert_allclose(shares, [8 / 17 if i == 3 else 1 / 17 for i in range(10)], atol=0.02)


def test_a_samples_label_says_nothing_of_its_vector(conditional: LatentSpace) -> None:
    rows = np.array([conditional.sample(seed, 1.0, 9) for seed in range(1000)]).reshape(-1, 12)
    label = rows[:, 2:].argmax(axis=1)
    # Of 9,000 pairs, the correlation's standard error is 0.01.
    for dim in range(2):
        assert abs(np.corrcoef(rows[:, dim], label)[0, 1]) < 0.04
        assert abs(np.corrcoef(np.abs(rows[:, dim]), label)[0, 1]) < 0.04
    # And a model that takes none draws the same vectors.
    plain = sampling.sample_normal(5, (9, 2)).astype(np.float32)
    np.testing.assert_array_equal(conditional.sample(5, 1.0, 9)[:, :2], plain)


def test_a_grid_goes_from_the_top_left_line_by_line(space: LatentSpace) -> None:
    rows = space.spread(3, 2.0, (0, 1), None)
    expected = [[-2, 2], [0, 2], [2, 2], [-2, 0], [0, 0], [2, 0], [-2, -2], [0, -2], [2, -2]]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(space.spread(3, 2.0, (1, 0), None)[:, ::-1], expected)


def test_a_grid_of_a_conditional_model_has_one_label(conditional: LatentSpace) -> None:
    rows = conditional.spread(2, 1.0, (0, 1), 7)
    np.testing.assert_array_equal(rows[:, 2:], np.eye(10)[[7] * 4])
    with pytest.raises(InvalidValueError, match=r"label: expected one of 0, 1.* received none"):
        conditional.spread(2, 1.0, (0, 1), None)


@pytest.mark.parametrize(
    ("n", "dims", "says"),
    [
        (4, (0, 1), "n: expected what makes at most 9 pictures, received 4: 16"),
        (2, (0, 2), "dims: expected numbers from 0 to 1"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(
    space: LatentSpace, n: int, dims: tuple[int, int], says: str
) -> None:
    with pytest.raises(InvalidValueError, match=says):
        space.spread(n, 1.0, dims, None)


def test_a_grid_may_have_more_rows_than_other_requests_within_its_own_bound(space: LatentSpace) -> None:
    assert space.spread(40, 1.0, (0, 1), None, most=1600).shape == (1600, 2)
    with pytest.raises(InvalidValueError, match="n: expected what makes at most 1600 pictures, received 41"):
        space.spread(41, 1.0, (0, 1), None, most=1600)
    with pytest.raises(InvalidValueError, match="at most 262144 pictures"):
        space.spread(513, 1.0, (0, 1), None, most=10**9)
