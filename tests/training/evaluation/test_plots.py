from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.evaluation import plots
from training.evaluation.plots import Decode, Floats

POINTS = np.random.default_rng(0).normal(0, 1, (300, 2)).astype(np.float32)
LEFT, BOTTOM, OTHER = plots.MARGINS


def read(content: bytes) -> tuple[tuple[int, int], Floats]:
    assert content.startswith(b"\x89PNG")
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return picture.size, np.asarray(picture, np.float32)


def shade(axis: int, shape: tuple[int, int, int] = (8, 8, 1)) -> Decode:
    """Pictures as grey as z is large along an axis, from -4 (black) to 4 (white)."""

    def decode(z: Floats) -> Floats:
        grey = np.clip((z[:, axis] + 4) / 8, 0, 1)
        return np.broadcast_to(grey[:, None, None, None], (len(z), *shape)).astype(np.float32)

    return decode


def sheet(content: bytes) -> Floats:
    _, pixels = read(content)
    return pixels[OTHER:-BOTTOM, LEFT:-OTHER, 0]


@pytest.mark.parametrize("label_count", [2, 10, 23])
@pytest.mark.parametrize("latent_dim", [1, 2, 6])
def test_the_scatter_is_a_png_of_its_size_with_a_colour_for_each_label(
    latent_dim: int, label_count: int
) -> None:
    rng = np.random.default_rng(1)
    label = rng.permutation(np.arange(300) % label_count)
    z_mean = (rng.normal(0, 0.1, (300, latent_dim)) + label[:, None] % 7).astype(np.float32)
    content = plots.latent_scatter(z_mean, label)
    size, pixels = read(content)
    assert size == tuple(round(inches * plots.DPI) for inches in plots.SCATTER_INCHES)
    # One number for each colour: unique rows take ten times as long.
    packed, counts = np.unique(pixels.astype(np.int64) @ np.array([65536, 256, 1]), return_counts=True)
    saturated = np.ptp([packed >> 16, packed >> 8 & 255, packed & 255], axis=0) > 20
    assert (counts[saturated] > 20).sum() >= min(label_count, 9)  # one of ten is grey


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (12, 20, 3)])
def test_the_manifold_is_a_png_of_whole_pixels(shape: tuple[int, int, int]) -> None:
    height, width, _ = shape
    size, pixels = read(plots.manifold(shade(0, shape), POINTS))
    times = plots.SHEET // (20 * max(height, width))
    assert size == (LEFT + 20 * width * times + OTHER, OTHER + 20 * height * times + BOTTOM)
    assert len(np.unique(pixels)) > 20


def test_the_manifold_s_first_axis_goes_right_and_its_second_up() -> None:
    right, up = (sheet(plots.manifold(shade(axis), POINTS, n=5)) for axis in (0, 1))
    side = len(right) // 5
    middles = np.arange(5) * side + side // 2
    expected = pytest.approx([0, 64, 128, 191, 255], abs=1.5)
    assert right[side // 2, middles].tolist() == expected
    assert right[-side // 2, middles].tolist() == expected
    assert up[middles[::-1], side // 2].tolist() == expected


def test_equal_arrays_give_equal_files() -> None:
    label = np.arange(300) % 10
    assert plots.latent_scatter(POINTS, label) == plots.latent_scatter(POINTS, label)
    assert plots.manifold(shade(0), POINTS) == plots.manifold(shade(0), POINTS)


def find_lines(content: bytes, colour: str) -> tuple[NDArray[Any], ...]:
    """Rows and columns of the pixels of a colour."""
    _, pixels = read(content)
    return np.nonzero((np.abs(pixels - [int(colour[i : i + 2], 16) for i in (1, 3, 5)]) < 12).all(axis=2))


def test_curves_go_from_the_first_epoch_to_the_last_and_the_first_ones_are_cut() -> None:
    content = plots.curves({"a": [900.0, *np.linspace(10, 5, 40)], "b": [7.0] * 41}, "nats")
    size, _ = read(content)
    assert size == tuple(round(inches * plots.DPI) for inches in plots.CURVES_INCHES)
    falling, level = (find_lines(content, colour) for colour in plots.COLOURS[:2])
    # Its last value is the lowest of all, so nothing of the level line lies below it.
    assert falling[0].max() > level[0].max() + 20
    assert level[1].max() - level[1].min() > 0.7 * size[0]
    assert content == plots.curves({"a": [900.0, *np.linspace(10, 5, 40)], "b": [7.0] * 41}, "nats")
    assert plots.curves({"a": [5.0, 5.0]}, "nats").startswith(b"\x89PNG")


def test_pictures_are_laid_row_by_row_and_what_is_left_over_is_black() -> None:
    image = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((1, 2, 3, 1), np.uint8)
    sheet = plots.tile(image, 2)
    assert (sheet.shape, sheet.dtype.name) == ((6, 6, 1), "uint8")
    assert sheet[::2, ::3, 0].tolist() == [[1, 2], [3, 4], [5, 0]]


def test_a_plane_of_two_dimensions_is_that_of_its_coordinates() -> None:
    axes, centre = plots.plane(POINTS + 7)
    assert axes.tolist() == [[1, 0], [0, 1]]
    assert centre.tolist() == [0, 0]


def test_a_plane_of_more_dimensions_is_spanned_by_the_widest() -> None:
    rng = np.random.default_rng(0)
    z_mean = rng.normal([5, 0, 0, 0], [0.1, 3, 0.2, 1], (2000, 4)).astype(np.float32)
    axes, centre = plots.plane(z_mean)
    assert axes == pytest.approx(np.eye(4)[[1, 3]], abs=0.02)
    assert centre == pytest.approx([5, 0, 0, 0], abs=0.3)
    grid: list[Floats] = []

    def decode(z: Floats) -> Floats:
        grid.append(z)
        return shade(1)(z)

    plots.manifold(decode, z_mean, n=3)
    assert np.ptp(grid[0], axis=0) == pytest.approx([0, 8, 0, 8], abs=0.3)
