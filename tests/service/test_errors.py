from __future__ import annotations

import inspect

from service import errors


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
