from __future__ import annotations

import pathlib
from typing import NoReturn

import keras
import numpy as np
import pytest

from tests.training import small
from training.data import datasets
from training.data.idx import DataError


def assert_same(first: datasets.Dataset, second: datasets.Dataset) -> None:
    for name in ("train", "validation", "test"):
        a, b = getattr(first, name), getattr(second, name)
        assert np.array_equal(a.x, b.x)
        assert np.array_equal(a.label, b.label)
    assert first.sha256 == second.sha256


def test_idx_gzipped_idx_and_npz_give_the_same_data(tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    plain = datasets.load(str(small.write_idx(tmp_path / "plain", content)))
    packed = datasets.load(str(small.write_idx(tmp_path / "packed", content, compress=True)))
    archive = datasets.load(str(small.write_npz(tmp_path / "digits.npz", content)))
    assert_same(plain, packed)
    assert_same(plain, archive)
    assert (plain.name, packed.name, archive.name) == ("plain", "packed", "digits")
    assert plain.shape == (8, 8, 1)


def test_one_in_twelve_training_images_validates_and_no_image_moves_to_another_split() -> None:
    content = small.arrays(train=240)
    found = small.from_arrays(content)
    chosen = datasets.hold_out(content["y_train"])
    assert (len(found.train), len(found.validation), len(found.test)) == (220, 20, 80)
    assert np.array_equal(found.validation.x[..., 0], content["x_train"][chosen])
    assert np.array_equal(found.validation.label, content["y_train"][chosen])
    assert np.array_equal(found.train.x[..., 0], content["x_train"][~chosen])
    assert np.array_equal(found.test.x[..., 0], content["x_test"])


@pytest.mark.parametrize("label", [np.arange(1200) % 12, np.repeat(np.arange(12), 100)])
def test_every_class_gives_a_twelfth_of_its_images_in_whatever_order_they_come(
    label: datasets.Labels,
) -> None:
    chosen = datasets.hold_out(label)
    assert set(np.bincount(label[chosen])) <= {8, 9}
    assert chosen.sum() == 100
    assert np.array_equal(chosen, datasets.hold_out(label))
    places = np.flatnonzero(chosen)
    assert len(set(places % 12)) > 6


@pytest.mark.parametrize("counts", [[1300, 1], [11] * 12, [2, 2, 2, 2, 2, 2], [50, 1, 1, 1]])
def test_no_class_loses_all_its_images_to_validation(counts: list[int]) -> None:
    label = np.repeat(np.arange(len(counts)), counts)
    chosen = datasets.hold_out(label)
    assert set(label[~chosen]) == set(range(len(counts)))
    assert chosen.any()


def test_a_set_whose_classes_are_of_one_image_each_is_refused() -> None:
    content = small.arrays(train=12)
    with pytest.raises(DataError, match="y_train: expected a class of at least two images"):
        small.from_arrays({**content, "y_train": np.arange(12)})


def test_the_labels_that_a_split_lacks_are_told() -> None:
    content = small.arrays()
    assert small.from_arrays(content).missing_labels() == {}
    content["y_train"][content["y_train"] == 3] = 4
    few = small.from_arrays(content).missing_labels()
    assert few == {"train": [3], "validation": [3]}


def test_mnist_leaves_55000_to_train_on_and_5000_to_validate() -> None:
    x, y = np.zeros((60_000, 2, 2), np.uint8), np.zeros(60_000, np.uint8)
    found = small.from_arrays({"x_train": x, "y_train": y, "x_test": x[:9], "y_test": y[:9]})
    assert (len(found.train), len(found.validation)) == (55_000, 5_000)


def test_the_digest_sees_one_pixel_and_one_label() -> None:
    content = small.arrays()
    digests = {small.from_arrays(content).sha256}
    for name in content:
        changed = {key: value.copy() for key, value in content.items()}
        changed[name].flat[0] ^= 1
        digests.add(small.from_arrays(changed).sha256)
    assert len(digests) == 5


def test_scaling_gives_float32_from_0_to_1() -> None:
    scaled = datasets.scale(np.array([0, 51, 255], np.uint8))
    assert scaled.dtype == np.float32
    assert scaled.tolist() == pytest.approx([0, 0.2, 1])


@pytest.mark.parametrize("name", ["nowhere", "nowhere.npz", "file.txt"])
def test_what_is_no_data_set_is_named(name: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file.txt").write_text("digits")
    with pytest.raises(DataError, match="expected 'mnist', a folder of IDX files or of pictures") as caught:
        datasets.load(str(tmp_path / name))
    assert name in str(caught.value)


def test_a_failed_download_names_the_next_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise Exception("URL fetch failure on mnist.npz: None -- no route to host")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(DataError, match=r"no route to host.*without a network.*--data DIR"):
        datasets.load("mnist")


def test_the_download_is_split_like_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    content = small.arrays()
    pairs = tuple((content[f"x_{part}"], content[f"y_{part}"].astype(np.uint8)) for part in ("train", "test"))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pairs)
    found = datasets.load("mnist")
    assert found.name == "mnist"
    assert_same(found, datasets.load(str(small.write_idx(tmp_path, content))))


def test_a_folder_that_holds_no_data_set_says_what_was_looked_for(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        DataError, match=r"four IDX files \(train-images-idx3-ubyte.* train/<label>"
    ) as caught:
        datasets.load(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_a_size_is_not_asked_of_idx_files(tmp_path: pathlib.Path) -> None:
    folder = small.write_idx(tmp_path / "idx", small.arrays())
    with pytest.raises(
        DataError, match="--size: expected a folder of pictures, or Parquet, received IDX files"
    ):
        datasets.load(str(folder), (16, 16))


def test_a_folder_with_idx_files_is_read_as_idx(tmp_path: pathlib.Path) -> None:
    small.write_idx(tmp_path, small.arrays())
    (tmp_path / "train" / "7").mkdir(parents=True)
    assert len(datasets.load(str(tmp_path)).test) == 80
