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
    "of one number": (
        lambda: npz(x_train=np.uint8(7), x_test=np.uint8(7)),
        r"x_train: .* received \(\) uint8",
    ),
    "labelled in columns": (
        lambda: npz(
            **{**small.arrays(), "y_train": np.array([["a"]] * 240), "y_test": np.array([["a"]] * 80)}
        ),
        r"y_train: expected labels of shape \(n,\), received \(240, 1\)",
    ),
    "labelled in another encoding": (
        lambda: npz(
            **{**small.arrays(), "y_train": np.array([b"\xe9"] * 240), "y_test": np.array([b"\xe9"] * 80)}
        ),
        "y_train: expected texts in UTF-8",
    ),
    "labelled with times": (
        lambda: changed("y_train", np.zeros(240, "timedelta64[s]")),
        r"y_train: expected 240 integer labels",
    ),
    "labelled with integers once": (
        lambda: npz(
            **{**small.arrays(), "y_train": np.array(["1", "2"] * 120), "y_test": np.array(["x"] * 80)}
        ),
        r"y_test: expected labels of \['1', '2'\], received \['x'\] too",
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


def test_a_set_without_labels_has_one_label(tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    del content["y_train"], content["y_test"]
    found = datasets.load(str(small.write_npz(tmp_path / "bare.npz", content)))
    assert found.labels.tolist() == [0]
    assert (len(found.train), len(found.validation), len(found.test)) == (220, 20, 80)


def test_labels_that_are_texts_are_numbered_in_their_order(tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    named = {name: names[content[name]] if name[0] == "y" else content[name] for name in content}
    found = datasets.load(str(small.write_npz(tmp_path / "named.npz", named)))
    assert found.class_names == tuple(sorted(names.tolist()))
    assert [found.class_names[label] for label in found.test.label] == named["y_test"].tolist()


def test_texts_that_are_integers_are_these(tmp_path: pathlib.Path) -> None:
    texts = {"y_train": np.array(["1", "10", "2"] * 80), "y_test": np.array(["10"] * 80)}
    found = datasets.load(str(small.write_npz(tmp_path / "named.npz", {**small.arrays(), **texts})))
    assert (found.class_names, found.labels.tolist(), set(found.test.label.tolist())) == (
        (),
        [1, 2, 10],
        {10},
    )


def test_labels_may_be_bytes_of_any_letters(tmp_path: pathlib.Path) -> None:
    texts = {"y_train": np.array(["é".encode(), b"b"] * 120), "y_test": np.array([b"b"] * 80)}
    found = datasets.load(str(small.write_npz(tmp_path / "named.npz", {**small.arrays(), **texts})))
    assert found.class_names == ("b", "é")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": np.array(["a"] * 80)}, "expected labels of one kind, received int64 and <U1"),
        (
            {"y_train": np.array(["a", "b"] * 120), "y_test": np.array(["a"] * 79 + ["c"])},
            r"y_test: expected labels of \['a', 'b'\], received \['c'\] too",
        ),
    ],
)
def test_texts_that_do_not_fit_are_refused(
    changes: dict[str, Any], message: str, tmp_path: pathlib.Path
) -> None:
    path = small.write_npz(tmp_path / "named.npz", {**small.arrays(), **changes})
    with pytest.raises(DataError, match=message):
        datasets.load(str(path))
