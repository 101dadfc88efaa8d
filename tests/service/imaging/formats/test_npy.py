from __future__ import annotations

import io
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from service.core.errors import InvalidValueError, MalformedBodyError
from service.imaging.formats.npy import read_npy, write_npy

NUMBERS = st.sampled_from(["<f4", ">f8", "<f2", "<i4", "|u1", ">i8"])


def save(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


@given(NUMBERS, array_shapes(min_dims=1, max_dims=2, max_side=6), st.booleans(), st.integers(0, 9))
def test_reads_what_numpy_saves(dtype: str, shape: tuple[int, ...], fortran: bool, seed: int) -> None:
    array = (np.random.RandomState(seed).rand(*shape) * 100).astype(dtype)
    found = read_npy(save(np.asfortranarray(array) if fortran else array), "body")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, array)


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=5), elements=st.floats(0, 1, width=32)))
def test_numpy_loads_what_it_writes(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    found = np.load(io.BytesIO(write_npy(array)), allow_pickle=False)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


HUGE = save([[1.0, 2.0]]).replace(b"(1, 2), }           ", b"(999999999999, 2), }")
WRONG = {
    "nothing": b"",
    "no npy": b"PK\x03\x04....",
    "magic alone": b"\x93NUMPY\x01\x00",
    "another version": b"\x93NUMPY\x09\x00" + save([1.0])[8:],
    "a header that is no dict": b"\x93NUMPY\x01\x00\x04\x00[1]\n",
    "a header that runs on": b"\x93NUMPY\x01\x00\xff\xff{",
    "cut": save([1.0, 2.0])[:-1],
    "more": save([1.0, 2.0]) + b"x",
    "a shape without its data": HUGE,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_file_is_refused(name: str) -> None:
    with pytest.raises(MalformedBodyError, match=r"^body: expected .*, received"):
        read_npy(WRONG[name], "body")


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize(
    ("shape", "odd"),
    [
        ("(1L, 2)", "1L"),
        ("(1 L, 2)", "1 L"),
        ("(1.L, 2)", "1.L"),
        ("(0xfL, 2)", "0xfL"),
        ("(1if 1else 1, 2)", "1i"),
        ("(0xfor 1, 2)", "0xfo"),
        (r"('\d', 2)", "\\\\"),
    ],
)
def test_a_header_that_makes_python_warn_is_refused(version: tuple[int, int], shape: str, odd: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    length = len(header).to_bytes(2 * version[0], "little")
    content = b"\x93NUMPY" + bytes(version) + length + header + bytes(8)
    with warnings.catch_warnings(record=True) as warned, pytest.raises(MalformedBodyError) as caught:
        read_npy(content, "body")
    expected = "body: expected an .npy file of version 1 or 2"
    assert str(caught.value) == f"{expected}, received a header with b'{odd}'"
    assert not warned


def test_a_huge_shape_is_in_the_header_of_its_case() -> None:
    assert b"999999999999" in HUGE


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array(["a"]), "an array of floats or integers"),
        (np.array([1j]), "an array of floats or integers"),
        (np.array([True]), "an array of floats or integers"),
        (np.array(3.0), "one or two dimensions"),
        (np.zeros((1, 1, 2)), "one or two dimensions"),
        (np.zeros((0, 2)), "one or two dimensions"),
        (np.array([[0, 1], [2, np.nan]]), r"body\[1\]\[1\]: expected a finite number, received nan"),
        (np.array([np.inf]), r"body\[0\]: expected a finite number, received inf"),
    ],
)
def test_an_array_that_is_no_vectors_is_refused(array: object, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        read_npy(save(array), "body")


def test_nothing_is_unpickled() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("it was unpickled",))

    header = save(np.array([1.0])).replace(b"'<f8'", b"'|O' ")[:128]
    with pytest.raises(InvalidValueError, match="floats or integers, received one of object"):
        read_npy(header + pickle.dumps(Bomb()), "body")


def declare(shape: str, descr: str = "<f8") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("(-1, -2)", r"an array of one or two dimensions, none 0, received shape \[-1, -2\]"),
        ("(-1, 2)", "one or two dimensions"),
        ("(True, 2)", r"received shape \[True, 2\]"),
        ("(2, False)", "one or two dimensions"),
        (
            f"(0x{'f' * 5000}, 2)",
            r"a shape of the 16 bytes .*, received shape \[an integer of 20000 bits, 2\]",
        ),
        (f"(-0x{'f' * 5000}, 2)", r"received shape \[an integer of 20000 bits, 2\]"),
        ("(17,)", "a shape of the 16 bytes of data that there are"),
        ("(3,)", r"24 bytes of data, for shape \(3,\) of float64, received 16"),
    ],
)
def test_a_shape_that_is_none_is_refused(shape: str, says: str) -> None:
    with pytest.raises((InvalidValueError, MalformedBodyError), match=says):
        read_npy(declare(shape), "body")


def test_a_shape_can_be_refused_before_its_numbers_are_looked_at() -> None:
    class UnwantedError(Exception):
        pass

    def check(shape: tuple[int, ...]) -> None:
        assert shape == (2, 1)
        raise UnwantedError

    content = declare("(2, 1)")[:-16] + b"\xff" * 16  # NaN
    with pytest.raises(UnwantedError):
        read_npy(content, "body", check)
    with pytest.raises(InvalidValueError, match="a finite number"):
        read_npy(content, "body")


def test_a_number_beyond_float64_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"body\[0\]: expected a finite number, received inf"):
        read_npy(save(np.array([np.longdouble("1e4000")])), "body")
