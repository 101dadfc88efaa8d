from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from service.core.errors import InvalidValueError, MalformedBodyError
from service.core.headers import LENGTH_HEADER
from service.v2.schemas import InputTensor
from service.v2.tensors import Port, read_inputs, read_raw, split_body

Z = Port("z", (2,), low=-1e4, high=1e4)
LABEL = Port("label", (3,), low=0, high=1)
X = Port("x", (2, 2, 1), low=0, high=1)
ROWS = "[-1, 2], with at least one row"
VECTORS = [[0.5, -1.0], [2.0, 3.0], [0.0, 1e4]]


def test_a_shape_of_whole_numbers_is_one_of_integers() -> None:
    assert tensor(shape=(3.0, 2)).shape == [3, 2]
    with pytest.raises(ValueError, match=r"shape\.0"):
        tensor(shape=(3.5, 2))


def tensor(name: str = "z", shape: Any = (3, 2), **fields: Any) -> InputTensor:
    return InputTensor(name=name, shape=list(shape), **{"datatype": "FP32", **fields})


def announced(size: int) -> dict[str, Any]:
    return {"parameters": {"binary_data_size": size}}


@pytest.mark.parametrize("data", [VECTORS, [0.5, -1.0, 2.0, 3.0, 0.0, 1e4], [0.5, -1, 2, 3, 0, 10_000]])
def test_data_may_be_flat_or_nested_floats_or_integers(data: object) -> None:
    array = read_inputs([tensor(data=data)], None, [Z])["z"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array(VECTORS, np.float32))


@given(
    arrays_of.arrays("<f4", st.tuples(st.integers(1, 5), st.just(2)), elements=st.floats(-1e4, 1e4, width=32))
)
def test_json_and_bytes_give_the_same_bits(z: np.ndarray[Any, Any]) -> None:
    raw = z.tobytes()
    as_bytes = read_inputs([tensor(shape=z.shape, **announced(len(raw)))], raw, [Z])["z"]
    as_json = read_inputs([tensor(shape=z.shape, data=z.astype(float).tolist())], b"", [Z])["z"]
    assert as_bytes.tobytes() == as_json.tobytes() == raw
    assert as_bytes.flags.aligned
    assert as_bytes.flags.writeable


def test_tensors_lie_behind_the_json_in_the_order_of_the_inputs() -> None:
    z, label = np.array([[1, 2]], "<f4"), np.array([[0, 1, 0]], "<f4")
    given_last_first = [tensor("label", (1, 3), **announced(12)), tensor("z", (1, 2), **announced(8))]
    found = read_inputs(given_last_first, label.tobytes() + z.tobytes(), [Z, LABEL])
    np.testing.assert_array_equal(found["z"], z)
    np.testing.assert_array_equal(found["label"], label)


def test_one_input_may_be_bytes_and_another_json() -> None:
    inputs = [tensor("z", (1, 2), data=[1, 2]), tensor("label", (1, 3), **announced(12))]
    found = read_inputs(inputs, np.array([0, 0, 1], "<f4").tobytes(), [Z, LABEL])
    assert [found["z"].tolist(), found["label"].tolist()] == [[[1, 2]], [[0, 0, 1]]]


@pytest.mark.parametrize(
    ("inputs", "field", "expected", "received"),
    [
        ([tensor(datatype="FP64", data=VECTORS)], "inputs[0].datatype", "FP32, as z has", "FP64"),
        ([tensor(datatype="INT64", data=VECTORS)], "inputs[0].datatype", "FP32, as z has", "INT64"),
        ([tensor("Z", data=VECTORS)], "inputs", "z, once", "'Z'"),
        ([tensor(data=VECTORS)] * 2, "inputs", "z, once", "'z', 'z'"),
        ([tensor(shape=(3, 3), data=VECTORS)], "inputs[0].shape", ROWS, "[3, 3]"),
        ([tensor(shape=(6,), data=VECTORS)], "inputs[0].shape", ROWS, "[6]"),
        ([tensor(shape=(), data=[1])], "inputs[0].shape", ROWS, "[]"),
        ([tensor(shape=(0, 2), data=[])], "inputs[0].shape", ROWS, "[0, 2]"),
        ([tensor()], "inputs[0].data", "a list of numbers, or binary_data_size in parameters", "nothing"),
        ([tensor(data=[1, 2, 3])], "inputs[0].data", "6 numbers, for shape [3, 2]", "3"),
        (
            [tensor(data=[[1, 2, 3], [4, 5, 6]])],
            "inputs[0].data",
            "numbers in shape [3, 2]",
            "an array of shape [2, 3]",
        ),
        (
            [tensor(data=[[1, 2], [3], [4, 5]])],
            "inputs[0].data[1]",
            "a list of 2, as the first is",
            "one of 1",
        ),
        ([tensor(data=["1", 2, 3, 4, 5, 6])], "inputs[0].data[0]", "a number", "'1'"),
        ([tensor(data=[True, 2, 3, 4, 5, 6])], "inputs[0].data[0]", "a number", "True"),
        ([tensor(data=[1, 2, 3, float("nan"), 5, 6])], "inputs[0].data[3]", "a finite number", "nan"),
        (
            [tensor(data=[[1, 2], [3, -1e5], [5, 6]])],
            "inputs[0].data[1][1]",
            "a number in [-10000, 10000]",
            "-100000.0",
        ),
        ([tensor(data="12")], "inputs[0].data", "a list of numbers or lists of numbers", "'12'"),
        (
            [tensor(data=VECTORS, parameters={"shared_memory_region": "a"})],
            "inputs[0].parameters",
            "no shared_memory_region, which is not offered",
            "one",
        ),
    ],
)
def test_wrong_json_is_refused_naming_the_part(
    inputs: list[InputTensor], field: str, expected: str, received: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        read_inputs(inputs, None, [Z])
    error = caught.value
    assert (error.field, error.expected, error.received) == (field, expected, received)


def test_inputs_must_be_all_there_and_equally_long() -> None:
    with pytest.raises(InvalidValueError, match="expected z and label, each once, received 'z'"):
        read_inputs([tensor(data=VECTORS)], None, [Z, LABEL])
    with pytest.raises(
        InvalidValueError, match=r"expected as many rows of each, received {'z': 3, 'label': 1}"
    ):
        read_inputs([tensor(data=VECTORS), tensor("label", (1, 3), data=[0, 0, 1])], None, [Z, LABEL])


@pytest.mark.parametrize(
    ("size", "sent", "message"),
    [
        (8, 7, "body: expected 8 bytes behind the JSON, received 7"),
        (8, 9, "body: expected 8 bytes behind the JSON, received 9"),
        (8, None, f"{LENGTH_HEADER}: expected the length of the JSON, since an input has binary_data_size"),
        (
            12,
            12,
            r"inputs\[0\].parameters.binary_data_size: expected 8, for shape \[1, 2\] of FP32, received 12",
        ),
        (8.0, 8, r"inputs\[0\].parameters.binary_data_size: expected 8.*, received 8.0"),
        (True, 1, r"inputs\[0\].parameters.binary_data_size: expected 8.*, received True"),
        (-8, 0, r"inputs\[0\].parameters.binary_data_size: expected 8.*, received -8"),
    ],
)
def test_bytes_must_be_what_the_json_announces(size: Any, sent: int | None, message: str) -> None:
    binary = None if sent is None else b"\0" * sent
    with pytest.raises((InvalidValueError, MalformedBodyError), match=message):
        read_inputs([tensor(shape=(1, 2), **announced(size))], binary, [Z])


def test_bytes_that_nothing_announces_are_refused() -> None:
    with pytest.raises(MalformedBodyError, match="expected 0 bytes behind the JSON, received 8"):
        read_inputs([tensor(data=VECTORS)], b"\0" * 8, [Z])
    both = tensor(shape=(1, 2), data=[1, 2], **announced(8))
    with pytest.raises(InvalidValueError, match="expected none beside binary_data_size, received both"):
        read_inputs([both], b"\0" * 8, [Z])


@pytest.mark.parametrize(
    ("value", "received"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1.5, "1.5"), (-0.5, "-0.5")]
)
def test_bytes_out_of_range_are_refused_naming_the_element(value: float, received: str) -> None:
    x = np.zeros((1, 2, 2, 1), "<f4")
    x[0, 1, 0, 0] = value
    with pytest.raises(InvalidValueError) as caught:
        read_inputs([tensor("x", x.shape, **announced(16))], x.tobytes(), [X])
    assert str(caught.value) == f"inputs[0][0][1][0][0]: expected a number in [0, 1], received {received}"


def test_a_body_without_json_is_one_row_of_the_only_input() -> None:
    assert read_raw(np.array([1, 2], "<f4").tobytes(), [Z])["z"].tolist() == [[1, 2]]
    for size in (0, 7, 9, 16):
        with pytest.raises(MalformedBodyError, match=f"expected 8 bytes, one row of z, received {size}"):
            read_raw(b"\0" * size, [Z])
    with pytest.raises(MalformedBodyError, match="a JSON that names z and label"):
        read_raw(b"\0" * 20, [Z, LABEL])
    with pytest.raises(InvalidValueError, match=r"body\[0\]\[1\]: expected a number in .*, received nan"):
        read_raw(np.array([1, np.nan], "<f4").tobytes(), [Z])


def test_the_header_says_where_the_json_ends() -> None:
    assert split_body(b"{}1234", None) == (b"{}1234", b"")
    assert split_body(b"{}1234", "2") == (b"{}", b"1234")
    assert split_body(b"{}1234", "6") == (b"{}1234", b"")
    assert split_body(b"{}1234", "0") == (b"", b"{}1234")


@pytest.mark.parametrize("length", ["7", "-1", "+2", "2.0", "0x2", "", " ", "²", "9" * 19, "1_0"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    with pytest.raises(MalformedBodyError, match=f"{LENGTH_HEADER}: expected an integer from 0 to 6"):
        split_body(b"{}1234", length)
