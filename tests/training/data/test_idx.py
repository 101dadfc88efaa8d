from __future__ import annotations

import gzip
import pathlib
import struct
from collections.abc import Callable

import numpy as np
import pytest

from tests.training import small
from training.data import datasets
from training.data.idx import DataError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


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
        datasets.load(str(tmp_path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda c: c[:-20], lambda c: c[:30] + b"xxxx" + c[34:]])
def test_a_broken_gzip_file_is_named(damage: Callable[[bytes], bytes], tmp_path: pathlib.Path) -> None:
    path = small.write_idx(tmp_path, small.arrays(), compress=True) / f"{IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        datasets.load(str(tmp_path))
    assert str(path) in str(caught.value)


def test_a_missing_idx_file_is_named(tmp_path: pathlib.Path) -> None:
    path = small.write_idx(tmp_path, small.arrays()) / "t10k-labels-idx1-ubyte"
    path.unlink()
    with pytest.raises(DataError, match="expected this file") as caught:
        datasets.load(str(tmp_path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("compress", [False, True])
def test_idx_files_of_four_dimensions_hold_colour(compress: bool, tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    for name in ("x_train", "x_test"):
        content[name] = np.stack([content[name], content[name] // 2, 255 - content[name]], axis=3)
    found = datasets.load(str(small.write_idx(tmp_path, content, compress=compress)))
    assert found.shape == (8, 8, 3)
    assert np.array_equal(found.test.x, content["x_test"])
    assert found.sha256 == small.from_arrays(content).sha256


def test_a_missing_file_of_images_may_be_of_either_kind(tmp_path: pathlib.Path) -> None:
    (small.write_idx(tmp_path, small.arrays()) / IMAGES).unlink()
    with pytest.raises(DataError, match=f"{IMAGES}: expected this file, or with idx4 for colour, or it with"):
        datasets.load(str(tmp_path))
