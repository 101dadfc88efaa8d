from __future__ import annotations

import math
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.core.errors import InvalidValueError
from service.latent.parsing import VECTOR_PATTERN, read_point, read_vector, read_vectors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5,-1.0", [0.5, -1]),
        ("+.5, -1.", [0.5, -1]),
        ("1e-3,2E0", [0.001, 2]),
        ("3", [3]),
        (" 0 , 1 ", [0, 1]),
    ],
)
def test_numbers_are_read(text: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(read_vector(text, "z"), expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "z: expected numbers with commas between them, such as 0.5,-1.0, received ''"),
        ("x", "z: expected numbers with commas"),
        ("1,", r"z\[1\]: expected a number, received ''"),
        ("1,nan", r"z\[1\]: expected a number, received 'nan'"),
        ("1,inf", r"z\[1\]: expected a number"),
        ("1_0,2", r"z\[0\]: expected a number, received '1_0'"),
        ("0x1,2", r"z\[0\]: expected a number"),
        ("1,1e999", r"z\[1\]: expected a finite number, received '1e999'"),
        ("1e 3,0", r"z\[0\]: expected a number"),
    ],
)
def test_what_is_no_number_is_named(text: str, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        read_vector(text, "z")


def test_vectors_have_one_length() -> None:
    np.testing.assert_array_equal(read_vectors(["1,2", "3,4"], "z"), [[1, 2], [3, 4]])
    with pytest.raises(InvalidValueError, match=r"z\[1\]: expected 2 numbers, as the first has, received 3"):
        read_vectors(["1,2", "3,4,5"], "z")
    with pytest.raises(InvalidValueError, match=r"z\[1\]\[0\]: expected a number, received 'x'"):
        read_vectors(["1,2", "x,4"], "z")


def test_a_point_is_a_class_or_a_vector() -> None:
    digit, vector = read_point("digit:3", "from"), read_point("0.5,-1", "to", label=7)
    assert (digit.digit, digit.z, digit.at) == (3, None, "from")
    assert (vector.digit, vector.label, vector.at) == (None, 7, "to")
    np.testing.assert_array_equal(vector.z, [0.5, -1])


@pytest.mark.parametrize("digit", ["square", "a, b", "-1", "3.5", "9" * 99])
def test_a_class_has_a_name_too(digit: str) -> None:
    assert read_point(f" digit: {digit} ", "from").digit == digit


@pytest.mark.parametrize("text", ["digit", "digit:", "digit3", "digit: "])
def test_a_class_has_a_number_or_a_name(text: str) -> None:
    with pytest.raises(InvalidValueError, match="from: expected digit: and a class's number or name"):
        read_point(text, "from")


def test_a_class_has_no_other_label() -> None:
    with pytest.raises(InvalidValueError, match="from_label: expected no label beside a digit"):
        read_point("digit:3", "from", label=3)


@pytest.mark.parametrize("text", ["1" * 60_000 + "x", "0," * 30_000 + "x", " " * 60_000 + "x", ".1" * 30_000])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(InvalidValueError) as caught:
        read_vector(text, "z")
    assert len(str(caught.value)) < 200
    # It took 150 s where a digit could be of either of two groups.
    assert time.perf_counter() - begun < 5


@given(st.text("0123456789+-.eE, x_", max_size=12))
def test_the_pattern_of_the_schema_says_what_is_taken(text: str) -> None:
    if re.search(VECTOR_PATTERN, text):
        numbers = [float(part) for part in text.split(",")]
        assume(all(map(math.isfinite, numbers)))
        assert list(read_vector(text, "z")) == numbers
    else:
        with pytest.raises(InvalidValueError):
            read_vector(text, "z")


def test_a_text_that_is_too_long_is_refused() -> None:
    assert len(read_vector("0," * 32_767 + "00", "z")) == 32_768
    with pytest.raises(InvalidValueError, match=r"^from: expected at most 65536 characters, received 65537$"):
        read_point("0," * 32_768 + "0", "from")
