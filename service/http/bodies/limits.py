"""How many bytes request bodies may have: one body, all that are held at once, and fewer for JSON.

`HeldBodies.open` makes a budget for each request, and what comes is taken from it. Whoever is about to read
the body can lower the budget, and so refuse the declared length before a byte is read.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, MutableMapping
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from service.core.errors import Text, TooLargeError

# The key under which a request's scope holds its budget.
KEY = "service.budget"
BODIES_HELD = "the bodies of other requests take all room there is; try again"
# More digits than any real length has, and few enough for `int`.
MOST_DIGITS = 18


class Budget:
    """The bytes that the body of one request may have."""

    def __init__(self, headers: list[tuple[bytes, bytes]], most: int, expected: str) -> None:
        """Read the declared length from the headers.

        Args:
            headers: The request's headers.
            most: Bytes that the body may have.
            expected: The words of the error about more.
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
            expected: The words of the error about more.

        Raises:
            TooLargeError: The body is declared to be larger, or what has come of it is.
        """
        if most < self._most:
            self._most, self._expected = most, expected
            self.check()
            self.take(0)

    def take(self, size: int) -> None:
        """Count bytes that have come.

        Raises:
            TooLargeError: All together are more than the limit allows.
        """
        self._received += size
        if self._received > self._most:
            raise TooLargeError("body", self._expected, Text("more"))


def find_budget(scope: Mapping[str, Any]) -> Budget | None:
    """Return the budget of a request, or None if `HeldBodies.open` has made none."""
    return scope.get(KEY)


def refuse_body() -> HTTPException:
    """Return the error about a body for which all those that are held leave no room."""
    return HTTPException(503, BODIES_HELD, {"Retry-After": "1"})


class HeldBodies:
    """The bodies of all requests that are being handled, within limits.

    Attributes:
        held_bytes: Bytes that are held now.
    """

    def __init__(self, max_body_bytes: int, max_held_bytes: int) -> None:
        """Store the limits, of one body and of all together."""
        self.max_body_bytes = max_body_bytes
        self.max_held_bytes = max_held_bytes
        self.held_bytes = 0

    def open(self, scope: MutableMapping[str, Any], receive: Receive) -> HeldBody:
        """Return a request's body, and put its budget into the scope, where routes may lower it."""
        expected = f"at most {self.max_body_bytes} bytes"
        budget = scope[KEY] = Budget(scope["headers"], self.max_body_bytes, expected)
        return HeldBody(self, budget, receive)


class HeldBody:
    """The body of one request.

    Attributes:
        budget: The bytes that it may have.
    """

    def __init__(self, bodies: HeldBodies, budget: Budget, receive: Receive) -> None:
        self.budget = budget
        self._bodies, self._receive = bodies, receive
        self._held = 0

    async def receive(self) -> Message:
        """Receive a piece, if it fits.

        Raises:
            TooLargeError: The body is larger than its limit.
            HTTPException: The bodies of all requests together are larger than theirs; see `refuse_body`.
        """
        message = await self._receive()
        size = len(message.get("body", b""))
        self._held += size
        self._bodies.held_bytes += size
        self.budget.take(size)
        if size and self._bodies.held_bytes > self._bodies.max_held_bytes:
            raise refuse_body()
        return message

    def close(self) -> None:
        """Make room for the bodies of other requests."""
        self._bodies.held_bytes -= self._held


M = TypeVar("M", bound=BaseModel)
# Unknown fields that an error lists.
MOST_UNKNOWN = 3


def validate(fields: Any, model: type[M]) -> M:
    """Return a model of fields; of many that it does not know, the error names the first few.

    Args:
        fields: Values by name, as they came; anything else is refused.
        model: The model that is to take them.

    Raises:
        ValidationError: They do not fit the model.
    """
    known = trim_fields(fields, model) if type(fields) is dict else fields
    # As `model_validate` does, whose options take longer to hand over than most queries to check.
    made: M = model.__pydantic_validator__.validate_python(known)
    return made


def trim_fields(fields: Mapping[str, Any], model: type[BaseModel]) -> Mapping[str, Any]:
    """Leave out all but the first few fields that a model does not know: each would become a fault to list.

    Args:
        fields: Values by name, as they came.
        model: The model that is to take them.

    Returns:
        The same object, if they are few.
    """
    if len(fields) <= _count_most(model):
        return fields
    known = {field.alias or name for name, field in model.model_fields.items()}
    unknown = itertools.islice((name for name in fields if name not in known), MOST_UNKNOWN)
    return {name: fields[name] for name in (*(known & fields.keys()), *unknown)}


@functools.cache
def _count_most(model: type[BaseModel]) -> int:
    return len(model.model_fields) + MOST_UNKNOWN
