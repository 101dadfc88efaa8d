from __future__ import annotations

import numpy as np
import pytest

from service.core.arrays import Floats
from service.imaging import fitting

SIZES = [(28, 28), (100, 50), (50, 100), (7, 300), (1, 1)]


def cut(drawing: Floats) -> Floats:
    rows, columns = (np.flatnonzero(drawing.max(axis=(axis, 2))) for axis in (1, 0))
    return drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize(("h", "w"), SIZES)
def test_what_is_scaled_keeps_its_proportions(h: int, w: int) -> None:
    rows, columns, channels = fitting.scale_into(np.ones((h, w, 1), np.float32), 28, 28).shape
    assert (max(rows, columns), channels) == (28, 1)
    assert abs(rows / columns - h / w) <= max(h / w, 1) / min(rows, columns)


@pytest.mark.parametrize(("h", "w"), [(14, 28), (28, 14), (6, 28), (28, 6), (27, 28), *SIZES])
def test_a_whole_fit_lies_in_the_middle_on_the_colour_of_its_border(h: int, w: int) -> None:
    picture = np.random.default_rng(0).random((h, w, 3), np.float32)
    picture[0] = picture[-1] = picture[1:, 0] = [0.75, 0.5, 0.25]
    x = fitting.fit_whole(picture, 28, 28)
    expected = np.full((28, 28, 3), [0.75, 0.5, 0.25])
    scaled = fitting.scale_into(picture, 28, 28)
    rows, columns, _ = scaled.shape
    top, left = (28 - rows) // 2, (28 - columns) // 2
    expected[top : top + rows, left : left + columns] = scaled
    np.testing.assert_allclose(x, expected, atol=1e-6)


def test_what_is_scaled_keeps_its_channels_and_its_range() -> None:
    # An edge, beside which Lanczos would swing below 0 and above 1; of other strength in each channel.
    x = np.zeros((40, 40, 3), np.float32)
    x[:, 20:] = [1, 0.5, 0.25]
    scaled = fitting.scale_into(x, 100, 100)
    assert (scaled.min(), scaled.max()) == (0, 1)
    np.testing.assert_allclose(scaled[50, 90], [1, 0.5, 0.25], atol=1e-3)
    np.testing.assert_allclose(scaled[50, 10], 0, atol=1e-3)


def test_ink_is_cut_scaled_and_centred_by_mass() -> None:
    drawing = np.zeros((280, 280, 1), np.float32)
    drawing[10:110, 200:210] = 1  # a stroke near the corner
    drawing[100:110, 150:210] = 1  # and a foot to its left, so that the mass is not in the box's middle
    x = fitting.fit_figure(cut(drawing), 28, 28, 20)[..., 0]
    rows, columns = np.nonzero(x.max(axis=1) > 0.3)[0], np.nonzero(x.max(axis=0) > 0.3)[0]
    assert rows[-1] - rows[0] + 1 == 20
    assert columns[-1] - columns[0] + 1 == 12
    centre = [(x.sum(axis=1 - a) * np.arange(28)).sum() / x.sum() for a in (0, 1)]
    np.testing.assert_allclose(centre, 14, atol=0.6)


@pytest.mark.parametrize(("rows", "columns"), [(20, 4), (20, 6), (4, 20), (10, 20)])
def test_the_centre_is_where_that_of_mnist_is(rows: int, columns: int) -> None:
    # Of an even number of pixels a side, so that the middle lies half a pixel beside one.
    drawing = np.zeros((60, 60, 1), np.float32)
    drawing[20 : 20 + rows, 20 : 20 + columns] = 1
    x = fitting.fit_figure(cut(drawing), 28, 28, 20)[..., 0]
    found = [np.nonzero(x.max(axis=axis) > 0.5)[0][0] for axis in (1, 0)]
    assert found == [round(14 - (side - 1) / 2) for side in (rows, columns)]


def test_ink_stays_within_a_picture_narrower_than_its_box() -> None:
    drawing = np.zeros((50, 100, 1), np.float32)
    drawing[20:30, 10:90] = 1
    x = fitting.fit_figure(cut(drawing), 20, 16, 18)[..., 0]
    assert x.shape == (20, 16)
    assert (x.max(axis=0) > 0.5).all()
    assert (x.max(axis=1) > 0.5).sum() == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_the_middle_is_the_mean_place_of_all_light(channels: int) -> None:
    x = np.random.RandomState(0).uniform(size=(28, 20, channels)).astype(np.float32)
    places = np.argwhere(np.ones((28, 20)))
    expected = np.average(places, axis=0, weights=x.sum(axis=2).ravel())
    np.testing.assert_allclose(fitting.find_middle(x), expected, rtol=1e-6)
