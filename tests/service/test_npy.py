from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from service.errors import InvalidValueError, MalformedBodyError
from service.npy import read_npy, write_npy

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
