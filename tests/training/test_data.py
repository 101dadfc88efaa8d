from __future__ import annotations

import gzip
import io
import pathlib
import pickle
import struct
from collections.abc import Callable
from typing import Any, NoReturn

import keras
import numpy as np
import pytest

from tests.training import small
from training import data
from training.data import DataError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def assert_same(first: data.Dataset, second: data.Dataset) -> None:
    for name in ("train", "validation", "test"):
        a, b = getattr(first, name), getattr(second, name)
        assert np.array_equal(a.x, b.x)
        assert np.array_equal(a.label, b.label)
    assert first.sha256 == second.sha256


def test_idx_gzipped_idx_and_npz_give_the_same_data(tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    plain = data.load(str(small.write_idx(tmp_path / "plain", content)))
    packed = data.load(str(small.write_idx(tmp_path / "packed", content, compress=True)))
    archive = data.load(str(small.write_npz(tmp_path / "digits.npz", content)))
    assert_same(plain, packed)
    assert_same(plain, archive)
    assert (plain.name, packed.name, archive.name) == ("plain", "packed", "digits")
    assert plain.shape == (8, 8, 1)


def test_every_twelfth_training_image_validates_and_no_image_moves_to_another_split() -> None:
    content = small.arrays(train=240)
    found = small.from_arrays(content)
    assert (len(found.train), len(found.validation), len(found.test)) == (220, 20, 80)
    assert np.array_equal(found.validation.x[..., 0], content["x_train"][11::12])
    assert np.array_equal(found.validation.label, content["y_train"][11::12])
    assert np.array_equal(found.train.x[..., 0], np.delete(content["x_train"], np.s_[11::12], axis=0))
    assert np.array_equal(found.test.x[..., 0], content["x_test"])


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
    scaled = data.scale(np.array([0, 51, 255], np.uint8))
    assert scaled.dtype == np.float32
    assert scaled.tolist() == pytest.approx([0, 0.2, 1])


BROKEN: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "empty": (IMAGES, lambda _: b"", "header of 16 bytes, received 0"),
    "only a header's start": (IMAGES, lambda content: content[:9], "header of 16 bytes, received 9"),
    "truncated": (IMAGES, lambda content: content[:-3], "expected 15360 values .* received 15357"),
    "with more than it says": (
        LABELS,
        lambda content: content + b"\0",
        "expected 240 values .* received 241",
    ),
    "labels as images": (IMAGES, lambda _: small.idx(np.zeros(240)), "magic number 00000803 .* 00000801"),
    "images as labels": (LABELS, lambda _: small.idx(np.zeros((240, 8, 8))), "00000801 .* 00000803"),
    "of floats": (IMAGES, lambda content: b"\0\0\x0d\3" + content[4:], "received 00000d03"),
    "gzipped without the name": (IMAGES, gzip.compress, "magic number .* received 1f8b08"),
    "without images": (IMAGES, lambda _: small.idx(np.zeros((0, 8, 8))), r"at least one image.*\(0, 8, 8\)"),
    "without pixels": (IMAGES, lambda _: small.idx(np.zeros((240, 0, 8))), r"received \(240, 0, 8\)"),
    "a label short": (LABELS, lambda _: small.idx(np.zeros(239)), r"240 integer labels.*\(239,\)"),
    "huge by its header": (IMAGES, lambda _: struct.pack(">4I", 0x803, *[2**32 - 1] * 3), "values"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_idx_file_is_named_with_its_fault(case: str, tmp_path: pathlib.Path) -> None:
    name, damage, message = BROKEN[case]
    path = small.write_idx(tmp_path, small.arrays()) / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=message) as caught:
        data.load(str(tmp_path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda c: c[:-20], lambda c: c[:30] + b"xxxx" + c[34:]])
def test_a_broken_gzip_file_is_named(damage: Callable[[bytes], bytes], tmp_path: pathlib.Path) -> None:
    path = small.write_idx(tmp_path, small.arrays(), compress=True) / f"{IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        data.load(str(tmp_path))
    assert str(path) in str(caught.value)


def test_a_missing_idx_file_is_named(tmp_path: pathlib.Path) -> None:
    path = small.write_idx(tmp_path, small.arrays()) / "t10k-labels-idx1-ubyte"
    path.unlink()
    with pytest.raises(DataError, match="expected this file") as caught:
        data.load(str(tmp_path))
    assert str(path) in str(caught.value)


def npz(**content: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def changed(name: str, value: Any) -> bytes:
    return npz(**{**small.arrays(), name: value})


BROKEN_NPZ: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "whole .npz file"),
    "truncated": (lambda: npz(**small.arrays())[:-100], "whole .npz file"),
    "damaged": (lambda: npz(**small.arrays()).replace(b"\xff", b"\xfe", 400), "whole .npz file"),
    "a pickle": (lambda: pickle.dumps({}), "whole .npz file"),
    "of objects": (lambda: changed("y_test", np.array([{}])), "arrays of numbers"),
    "without the test images": (lambda: npz(x_train=np.zeros(1)), "missing .*x_test"),
    "of floats": (lambda: changed("x_train", np.zeros((240, 8, 8))), "x_train: .*uint8.*float64"),
    "flat": (lambda: changed("x_train", np.zeros((240, 64), np.uint8)), r"x_train: .*\(240, 64\)"),
    "of two channels": (
        lambda: changed("x_train", np.zeros((240, 8, 8, 2), np.uint8)),
        r"1 or 3\) uint8, received \(240, 8, 8, 2\)",
    ),
    "of another test shape": (
        lambda: changed("x_test", np.zeros((80, 6, 8), np.uint8)),
        r"x_test: .*\(8, 8, 1\) as in training.*\(6, 8, 1\)",
    ),
    "labelled with floats": (lambda: changed("y_train", np.zeros(240)), "y_train: .*integer.*float64"),
    "labelled below 0": (lambda: changed("y_test", np.arange(80) - 1), r"y_test: .*\[0, 255\].* -1 to 78"),
    "labelled beyond 255": (lambda: changed("y_train", np.arange(240) + 100), "y_train: .* 100 to 339"),
    "with too few images": (
        lambda: npz(**small.arrays(train=11)),
        "x_train: expected at least 12 images, received 11",
    ),
}


@pytest.mark.parametrize("case", BROKEN_NPZ)
def test_a_broken_npz_file_is_named_with_its_fault(case: str, tmp_path: pathlib.Path) -> None:
    make, message = BROKEN_NPZ[case]
    path = tmp_path / "digits.npz"
    path.write_bytes(make())
    with pytest.raises(DataError, match=message) as caught:
        data.load(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.npz", "file.txt"])
def test_what_is_no_data_set_is_named(name: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file.txt").write_text("digits")
    with pytest.raises(DataError, match="expected 'mnist', a folder of IDX files") as caught:
        data.load(str(tmp_path / name))
    assert name in str(caught.value)


def test_a_failed_download_names_the_next_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise Exception("URL fetch failure on mnist.npz: None -- no route to host")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(DataError, match=r"no route to host.*without a network.*--data DIR"):
        data.load("mnist")


def test_the_download_is_split_like_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    content = small.arrays()
    pairs = tuple((content[f"x_{part}"], content[f"y_{part}"].astype(np.uint8)) for part in ("train", "test"))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pairs)
    found = data.load("mnist")
    assert found.name == "mnist"
    assert_same(found, data.load(str(small.write_idx(tmp_path, content))))
