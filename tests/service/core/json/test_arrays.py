from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from service.core.json.arrays import read_integer, read_labels, read_numbers

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS, min_size=1))
def test_reads_a_flat_list(values: list[float]) -> None:
    np.testing.assert_array_equal(read_numbers(values, (1,)), np.array(values))


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(FLOATS, min_size=n, max_size=n), min_size=1)))
def test_reads_a_table(rows: list[list[float]]) -> None:
    np.testing.assert_array_equal(read_numbers(rows, (1, 2)), np.array(rows))


@pytest.mark.parametrize(
    ("value", "at", "expected", "received"),
    [
        (3, "", "a list of numbers or lists of numbers", "3"),
        ("ab", "", "a list of numbers or lists of numbers", "'ab'"),
        (None, "", "a list of numbers or lists of numbers", "None"),
        ([], "", "at least one entry", "an empty list"),
        ([[]], "[0]", "at least one entry", "an empty list"),
        ([[[1]]], "", "a list of numbers or lists of numbers", "[[[1]]]"),
        ([1, "2"], "[1]", "a number", "'2'"),
        ([1, True], "[1]", "a number", "True"),
        ([1, None], "[1]", "a number", "None"),
        ([1, [2]], "[1]", "a number", "[2]"),
        ([[1, 2], [3]], "[1]", "a list of 2, as the first is", "one of 1"),
        ([[1, 2], 3], "[1]", "a list of 2", "3"),
        ([[1.5, 2.5], [3.5]], "[1]", "a list of 2, as the first is", "one of 1"),
        ([[1.5, 2.5], [3.5, 4.5, 5.5], [6.5]], "[1]", "a list of 2, as the first is", "one of 3"),
        ([[1.5], {}], "[1]", "a list of 1", "{}"),
        ([[1.5], "a"], "[1]", "a list of 1", "'a'"),
        ([[1.5], []], "[1]", "a list of 1, as the first is", "one of 0"),
        ([[], [1.5]], "[0]", "at least one entry", "an empty list"),
        ([[1.5], [float("inf")]], "[1][0]", "a finite number", "inf"),
        ([[1, 2], [3, {}]], "[1][1]", "a number", "{}"),
        ([1, float("nan")], "[1]", "a finite number", "nan"),
        ([[1], [float("-inf")]], "[1][0]", "a finite number", "-inf"),
        ([1, 10**400], "[1]", "a finite number", "one beyond float64"),
    ],
)
def test_names_the_element_that_is_wrong(value: Any, at: str, expected: str, received: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        read_numbers(value, (1, 2))
    assert caught.value.context == {"at": at, "expected": expected, "received": received}


def test_a_table_is_refused_where_only_a_list_may_be() -> None:
    for table in ([[1.5, 2.5]], [[1, 2]]):
        with pytest.raises(PydanticCustomError, match="a list of numbers, received"):
            read_numbers(table, (1,))
    with pytest.raises(PydanticCustomError, match="a list of lists of numbers or"):
        read_numbers([1.5, 2.5], (2, 3, 4))


def test_numbers_whose_sum_is_beyond_float64_are_finite() -> None:
    np.testing.assert_array_equal(read_numbers([[1e308], [1e308]], (1, 2)), [[1e308], [1e308]])


@pytest.mark.parametrize("value", [3, 3.0, -0.0, 1e300])
def test_an_integer_may_have_a_fraction_of_nothing(value: float) -> None:
    found = read_integer(value)
    assert type(found) is int
    assert found == value
    labels = read_labels([value, value])
    assert labels == [found, found]
    assert type(read_labels(value)) is int


@pytest.mark.parametrize("value", [2.5, True, "3", None, float("nan"), float("inf")])
def test_what_is_no_integer_stays_as_it_is(value: Any) -> None:
    assert read_integer(value) is value
    if not isinstance(value, str):
        with pytest.raises(PydanticCustomError, match="expected an integer, or a class's name, received"):
            read_labels([value])


def test_a_class_has_a_name_too() -> None:
    assert read_labels("square") == "square"
    assert read_labels(["square", 3.0]) == ["square", 3]
