from __future__ import annotations

import pathlib
from typing import Any

import click
import numpy as np
import pytest

from service.cli.bundle.data import Images, guess_polarity, read_golden, read_images

SHAPE = (4, 5, 1)
GOLDEN = {
    "x": np.zeros((2, *SHAPE), np.float64),
    "z_mean": np.ones((2, 3)),
    "z_log_var": np.ones((2, 3)),
    "z": np.ones((2, 3)),
    "image": np.zeros((2, *SHAPE)),
}


def write(path: pathlib.Path, arrays: dict[str, Any]) -> pathlib.Path:
    np.savez(path / "data.npz", **{name: array for name, array in arrays.items() if array is not None})
    return path / "data.npz"


def refuse(path: pathlib.Path, arrays: dict[str, Any]) -> str:
    file = write(path, arrays)
    with pytest.raises(click.ClickException) as caught:
        read_images(file, SHAPE)
    return caught.value.message.removeprefix(f"{file}: ")


def images(**changes: Any) -> dict[str, Any]:
    pixels = {name: np.full((n, *SHAPE), 51, np.uint8) for name, n in (("x_train", 3), ("x_test", 2))}
    return {**pixels, "y_train": np.array([0, 7, 2]), "y_test": np.array([1, 0]), **changes}


def test_pixels_of_8_bits_are_read_as_parts_of_one() -> None:
    x = np.arange(10, dtype=np.uint8).reshape(5, 1, 2, 1)
    read = Images(x, np.zeros(5, np.int64)).read(1, 2)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read.ravel() * 255, [2, 3, 4, 5], rtol=1e-6)
    floats = Images(x / np.float32(16), np.zeros(5, np.int64)).read(3, 9)
    np.testing.assert_allclose(floats.ravel() * 16, [6, 7, 8, 9])


def test_golden_vectors_are_read_as_float32(tmp_path: pathlib.Path) -> None:
    for more in ({}, {"label": np.eye(2)}):
        found = read_golden(write(tmp_path, {**GOLDEN, **more, "other": np.zeros(3)}))
        assert set(found) == {*GOLDEN, *more}
        assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    # A single vector is one row.
    one = read_golden(write(tmp_path, {**GOLDEN, "z_mean": np.ones(3)}))
    assert one["z_mean"].shape == (1, 3)


def test_golden_vectors_of_other_shapes_are_named(tmp_path: pathlib.Path) -> None:
    for changes, found in (
        ({"x": np.zeros((2, 4, 5))}, r"\(2, 4, 5\) and \(2, 3\)"),
        ({"z_mean": np.zeros((2, 3, 1))}, r"\(2, 4, 5, 1\) and \(2, 3, 1\)"),
    ):
        with pytest.raises(click.ClickException, match=rf"z_mean \(n, latent_dim\), found {found}"):
            read_golden(write(tmp_path, {**GOLDEN, **changes}))
    with pytest.raises(click.ClickException, match="found x, z_mean, z: z_log_var, image missing"):
        read_golden(write(tmp_path, {name: GOLDEN[name] for name in ("x", "z_mean", "z")}))
    with pytest.raises(click.ClickException, match="found none: x, z_mean, z_log_var, z, image missing"):
        read_golden(write(tmp_path, {}))


def test_both_splits_have_their_pictures_and_labels(tmp_path: pathlib.Path) -> None:
    train, test, labelled = read_images(write(tmp_path, images()), SHAPE)
    assert labelled
    assert (train.label.tolist(), test.label.tolist()) == ([0, 7, 2], [1, 0])
    assert (train.x.shape, test.x.shape) == ((3, *SHAPE), (2, *SHAPE))
    grey = read_images(write(tmp_path, images(x_train=np.ones((3, 4, 5)), x_test=np.zeros((2, 4, 5)))), SHAPE)
    assert (grey[0].x.shape, grey[1].x.shape) == ((3, *SHAPE), (2, *SHAPE))


@pytest.mark.parametrize("missing", [["y_train"], ["y_test"], ["y_train", "y_test"]])
def test_labels_of_both_splits_are_labels(tmp_path: pathlib.Path, missing: list[str]) -> None:
    train, test, labelled = read_images(write(tmp_path, images(**dict.fromkeys(missing))), SHAPE)
    assert not labelled
    assert train.label.tolist() == ([0, 0, 0] if "y_train" in missing else [0, 7, 2])
    assert test.label.tolist() == ([0, 0] if "y_test" in missing else [1, 0])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_test": None}, "x_test: expected images, found none"),
        ({"x_test": np.zeros((0, *SHAPE))}, "x_test: expected images, found none"),
        ({"x_train": np.zeros((3, 4, 6))}, "x_train: expected images of shape (4, 5, 1), found (4, 6, 1)"),
        (
            {"x_train": np.full((3, 4, 5), 1.01)},
            "x_train: expected uint8, or numbers in [0, 1], found others",
        ),
        (
            {"x_train": np.full((3, 4, 5), -0.01)},
            "x_train: expected uint8, or numbers in [0, 1], found others",
        ),
        (
            {"x_train": np.full((3, 4, 5), np.nan)},
            "x_train: expected uint8, or numbers in [0, 1], found others",
        ),
        ({"y_train": np.zeros(2, int)}, "y_train: expected 3 integers, found (2,) int64"),
        ({"y_train": np.zeros(3)}, "y_train: expected 3 integers, found (3,) float64"),
        ({"y_test": np.array([0, -2])}, "y_test: expected labels from 0 on, found -2"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: pathlib.Path, changes: dict[str, Any], says: str) -> None:
    assert refuse(tmp_path, images(**changes)) == says


@pytest.mark.parametrize("turns", range(4))
def test_each_side_of_the_pictures_counts_for_their_polarity(turns: int) -> None:
    # A long side, and half of the two beside it.
    x = np.zeros((2, 10, 30, 1), np.uint8)
    x[:, :, :17] = 255
    label = np.zeros(2, np.int64)
    assert guess_polarity(Images(np.rot90(x, turns, (1, 2)), label)) == "dark-on-light"
    x[:, :, 13:] = 0
    assert guess_polarity(Images(np.rot90(x, turns, (1, 2)), label)) == "light-on-dark"
    x[:] = 0
    x[:, 1:-1, 1:-1] = 255
    assert guess_polarity(Images(x, label)) == "light-on-dark"
    assert guess_polarity(Images(255 - x, label)) == "dark-on-light"
