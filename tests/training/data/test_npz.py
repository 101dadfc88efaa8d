from __future__ import annotations

import io
import pathlib
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.training import small
from training.data import datasets
from training.data.idx import DataError


def npz(**content: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def changed(name: str, value: Any) -> bytes:
    return npz(**{**small.arrays(), name: value})


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
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


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_npz_file_is_named_with_its_fault(case: str, tmp_path: pathlib.Path) -> None:
    make, message = BROKEN[case]
    path = tmp_path / "digits.npz"
    path.write_bytes(make())
    with pytest.raises(DataError, match=message) as caught:
        datasets.load(str(path))
    assert str(path) in str(caught.value)
