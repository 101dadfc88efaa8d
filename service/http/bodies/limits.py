"""Owns how many bytes a request's body may have: all requests' limit, and the lower one of what is JSON.

A layer makes a budget of each request and takes from it what comes. Who is about to read the body can lower
it, and so refuse by the declared length before a byte is read.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from pydantic import (
    BaseModel,
)

from service.core.errors import Text, TooLargeError

# Where a request's scope has its budget, if the layer is there.
KEY = "service.budget"
# As many digits as no real length has, and few enough for `int`.
MOST_DIGITS = 18


class Budget:
    """The bytes that the body of one request may have."""

    def __init__(self, headers: list[tuple[bytes, bytes]], most: int, expected: str) -> None:
        """Take the declared length from the headers.

        Args:
            headers: Of the request.
            most: Bytes that the body may have.
            expected: What an error says of them.
        """
        declared = dict(headers).get(b"content-length", b"")
        self._declared = declared.decode() if declared.isdigit() else ""
        self._most, self._expected = most, expected
        self._received = 0

    def check(self) -> None:
        """Refuse a body that is declared to be larger.

        Raises:
            TooLargeError: It is.
        """
        digits = self._declared.lstrip("0")
        if len(digits) > MOST_DIGITS or int(digits or "0") > self._most:
            raise TooLargeError("body", self._expected, Text(self._declared))

    def lower(self, most: int, expected: str) -> None:
        """Lower the limit, if it is not lower already.

        Args:
            most: Bytes that the body may have.
            expected: What an error says of them.

        Raises:
            TooLargeError: The body is declared to be larger, or what came of it is.
        """
        if most < self._most:
            self._most, self._expected = most, expected
            self.check()
            self.take(0)

    def take(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            TooLargeError: They are more than the limit allows.
        """
        self._received += size
        if self._received > self._most:
            raise TooLargeError("body", self._expected, Text("more"))


def find_budget(scope: Mapping[str, Any]) -> Budget | None:
    """Return the budget of a request, if the layer has made one."""
    return scope.get(KEY)


# Fields of wrong names that an error tells of.
MOST_UNKNOWN = 3


def trim_fields(fields: Mapping[str, Any], model: type[BaseModel]) -> Mapping[str, Any]:
    """Leave out all but the first few fields that a model does not know: each would be a fault to tell.

    Args:
        fields: As they came.
        model: That is to take them.

    Returns:
        The same, if they are few.
    """
    if len(fields) <= len(model.model_fields) + MOST_UNKNOWN:
        return fields
    known = {field.alias or name for name, field in model.model_fields.items()}
    unknown = itertools.islice((name for name in fields if name not in known), MOST_UNKNOWN)
    return {name: fields[name] for name in (*(known & fields.keys()), *unknown)}
