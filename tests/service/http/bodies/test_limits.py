from __future__ import annotations

import pytest

from service.core.errors import TooLargeError
from service.http.bodies.limits import Budget


def declare(length: str) -> Budget:
    return Budget([(b"content-length", length.encode())], 100, "at most 100 bytes")


@pytest.mark.parametrize("length", ["101", "0101", "9" * 18, "9" * 19, "9" * 5000])
def test_a_body_that_is_declared_too_large_is_refused(length: str) -> None:
    with pytest.raises(TooLargeError, match=r"^body: expected at most 100 bytes, received [09]*1?"):
        declare(length).check()


@pytest.mark.parametrize("length", ["100", "0", "000000000000000000000000100", "", "-1", "x", "1_000"])
def test_one_that_is_not_is_let_in(length: str) -> None:
    declare(length).check()


def test_what_comes_is_counted_to_the_limit() -> None:
    budget = Budget([], 100, "at most 100 bytes")
    budget.take(60)
    budget.take(40)
    with pytest.raises(TooLargeError, match=r"^body: expected at most 100 bytes, received more$"):
        budget.take(1)


def test_a_limit_can_only_be_lowered() -> None:
    budget = declare("60")
    budget.lower(200, "at most 200 bytes")
    budget.lower(60, "at most 60 bytes")
    with pytest.raises(TooLargeError, match=r"^body: expected at most 50 bytes, received 60$"):
        budget.lower(50, "at most 50 bytes")


def test_a_limit_that_what_has_come_is_beyond_refuses() -> None:
    budget = Budget([], 100, "at most 100 bytes")
    budget.take(60)
    with pytest.raises(TooLargeError, match=r"^body: expected at most 50 bytes, received more$"):
        budget.lower(50, "at most 50 bytes")
