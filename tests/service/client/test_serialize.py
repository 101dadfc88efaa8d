from __future__ import annotations

import io
import json
import pathlib
from typing import Any

import numpy as np
import pytest

from service.client import serialize


def test_vectors_are_rows_of_float32() -> None:
    for given in ([0.5, -1], [[0.5, -1]], np.array([0.5, -1])):
        rows = serialize.to_rows(given)
        assert rows.dtype == np.float32
        assert rows.tolist() == [[0.5, -1.0]]


def test_an_array_as_a_file_is_read_by_numpy() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(np.load(io.BytesIO(serialize.to_npy(array))), array)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        serialize.to_npy(np.array([{}], object))


def test_a_json_object_is_without_what_is_none() -> None:
    assert json.loads(serialize.to_json({"a": None, "b": 0, "c": False, "d": [], "e": ""})) == {
        "b": 0, "c": False, "d": [], "e": "",
    }  # fmt: skip


def test_pixels_of_8_bits_are_divided_by_255() -> None:
    assert serialize.to_pixels(np.array([[0, 51, 255]], np.uint8)) == [[0, pytest.approx(0.2), 1]]
    assert serialize.to_pixels(np.array([[0, 51, 255]], np.int64)) == [[0, 51, 255]]
    assert serialize.to_pixels(np.array([0.25], np.float64)) == [0.25]


def test_files_are_parts_of_a_form() -> None:
    parts = (("file", ("picture", b"a")), ("file", ("picture", b"b")))
    assert serialize.to_parts([b"a", b"b"]) == parts


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((5,), 1), ((4, 5), 1), ((4, 3), 1), ((7, 4, 5), 7), ((7, 4, 3), None), ((7, 4, 4), 7),
        ((7, 4, 2), 7), ((7, 4, 5, 3), 7),
    ],
)  # fmt: skip
def test_pictures_are_counted_unless_it_may_be_one_in_colour(
    shape: tuple[int, ...], count: int | None
) -> None:
    assert serialize.count_pictures(np.zeros(shape)) == count
    assert serialize.count_pictures([b"a", b"b"]) == 2


@pytest.mark.parametrize(
    ("point", "text"),
    [
        (3, "digit:3"), (np.int64(3), "digit:3"), (0, "digit:0"), ("digit:3", "digit:3"),
        ("0.5,-1", "0.5,-1"),
        ([0.5, -1.0], "0.5,-1.0"), (np.array([0.1, 1e-9], np.float32), "0.1,1e-09"), ([1, 2], "1,2"),
        (np.array([1, 2], np.uint8), "1,2"), (0.5, "0.5"),
    ],
)  # fmt: skip
def test_a_point_is_a_text_in_urls(point: Any, text: str) -> None:
    assert serialize.to_text(point) == text


@pytest.mark.parametrize("point", [True, None, [None], np.array(["a"]), np.array([1j]), np.array([True])])
def test_what_is_no_point_is_refused(point: Any) -> None:
    with pytest.raises(
        TypeError, match=f"a class, a vector or a picture's file, received {type(point).__name__}"
    ):
        serialize.to_text(point)


def test_pixels_have_no_text() -> None:
    with pytest.raises(ValueError, match=r"picture's file, received an array of shape \(1, 2\)"):
        serialize.to_text([[0.5, 1.0]])


def test_labels_are_plain_numbers_or_names() -> None:
    assert [serialize.to_label(label) for label in (3, np.int64(3), "square")] == [3, 3, "square"]
    assert type(serialize.to_label(np.int64(3))) is int
    assert serialize.to_segment("a/b c") == "a%2Fb%20c"
    assert serialize.to_segment(7) == "7"


@pytest.mark.parametrize(
    ("point", "end"),
    [
        ("digit:3", {"digit": 3}), ("digit:square", {"digit": "square"}), ("digit:-1", {"digit": "-1"}),
        ("0.5,-1", {"z": [0.5, -1.0]}), (7, {"digit": 7}), (np.int32(7), {"digit": 7}),
        ([0.5, 1], {"z": [0.5, 1.0]}), (np.array([[0, 255]], np.uint8), {"pixels": [[0.0, 1.0]]}),
        ([[0.25]], {"pixels": [[0.25]]}),
    ],
)  # fmt: skip
def test_a_point_is_a_field_of_json(point: Any, end: dict[str, Any]) -> None:
    assert serialize.to_end(point, None) == end
    assert serialize.to_end(point, 0) == {**end, "label": 0}
    assert json.loads(serialize.to_json(serialize.to_end(point, "x"))) == {**end, "label": "x"}


@pytest.mark.parametrize("point", [b"PNG", pathlib.Path("a.png"), "a.png", io.BytesIO(b"PNG")])
def test_a_file_is_no_field_of_json(point: Any) -> None:
    assert serialize.is_picture_file(point)
    with pytest.raises(ValueError, match="all pictures as arrays, or those of both ends as files"):
        serialize.to_end(point, None)
