"""Owns what a case is: a request, the status that it must get, and what must hold of its answer."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.reliability.references import Kind
from tests.reliability.wire import Answer

JSON, NPY = "application/json", "application/x-npy"
Check = Callable[[Answer], None]


def _nothing(_answer: Answer) -> None:
    """Accept what comes: its status and its bytes are compared all the same."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A request.

    Attributes:
        name: For the report.
        target: Path and query.
        method: GET unless given.
        content: The body.
        headers: Further ones.
        check: Raises a ValueError if the answer is not what the truth says.
        status: That the answer must have.
        kind: How answers are compared with the reference.
        weight: How often it is asked, against the others.
    """

    name: str
    target: str
    method: str = "GET"
    content: bytes = b""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    check: Check = _nothing
    status: int = 200
    kind: Kind = "bytes"
    weight: float = 1.0

    @property
    def head(self) -> bytes:
        """The request's head without the empty line that ends it."""
        fields = {"host": "localhost", **self.headers}
        if self.content or self.method not in ("GET", "HEAD"):
            fields.setdefault("content-length", str(len(self.content)))
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def post_json(name: str, target: str, body: Any, **more: Any) -> Case:
    """Return the case of a POST of JSON; `more` are fields of `Case`."""
    headers = {"content-type": JSON, **more.pop("headers", {})}
    return Case(name, target, "POST", json.dumps(body).encode(), headers, **more)


def weigh(rows: int) -> float:
    """Return a weight that has large requests asked seldom enough for the queue to have room."""
    return 4.0 if rows <= 8 else 16.0 / rows


def count_off(sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Return sizes, each with a seed of its own."""
    return ((n, 1000 + n) for n in sizes)
