from __future__ import annotations

import inspect

import pytest

from service.core import errors


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]
    drawn = [line for line in (errors.__doc__ or "").splitlines() if "Error" in line]
    for kind in classes:
        line = next(line for line in drawn if line.split("── ")[-1].split(" ")[0] == kind.__name__)
        depth = len(inspect.getmro(kind)) - len(inspect.getmro(errors.ServiceError))
        assert (len(line) - len(line.lstrip("│├└─ "))) == 4 * depth, kind


def test_a_client_error_says_field_expected_and_received() -> None:
    error = errors.InvalidValueError("z[1]", "a number", "two")
    assert str(error) == "z[1]: expected a number, received 'two'"
    assert str(errors.InvalidValueError("z", "2 rows", errors.Text("3"))) == "z: expected 2 rows, received 3"


def test_what_came_is_shortened() -> None:
    error = errors.InvalidValueError("z", "a number", "x" * 10_000)
    assert len(error.received) == errors.RECEIVED_CHARACTERS


def test_what_is_short_is_shown_as_it_is() -> None:
    for value in (
        [1, "a", [None, 0.5]],
        {"a": [1], 2: {}},
        [],
        {},
        (1,),
        True,
        b"x",
        10**78,
        float("nan"),
    ):
        assert errors.shorten(value) == repr(value)


def nest(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [{"a": value}]
    return value


@pytest.mark.parametrize("value", [nest(100_000), [[]] * 1_000_000, ["x" * 1_000_000], {"x" * 1_000_000: 1}])
def test_what_is_deep_or_long_is_not_walked_through(value: object) -> None:
    shown = errors.shorten(value)
    assert len(shown) == errors.RECEIVED_CHARACTERS
    assert shown.endswith("…")


def test_an_integer_that_python_does_not_write_is_described() -> None:
    assert errors.shorten(10**5000) == "an integer of 16610 bits"
    assert errors.shorten([-(10**5000)]) == "[an integer of 16610 bits]"


def test_a_field_is_cut() -> None:
    error = errors.InvalidValueError("x" * 10_000, "no field of this name", 1)
    assert error.field == "x" * 79 + "…"
    assert len(str(error)) < 200
