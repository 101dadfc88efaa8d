"""Owns what the right answer to a request is, and telling whether an answer is it.

A reference is made beforehand, of the service at rest; `cases` says what must hold of it first.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Literal

from tests.reliability.wire import Answer

# What is told of an answer. "busy" is what a service may say under load: 429, 503 and 504, in its own words.
Verdict = Literal["right", "busy", "wrong", "failed"]
Kind = Literal["bytes", "problem", "loose"]

# These differ from answer to answer, or tell of the connection.
VOLATILE = frozenset(
    ("connection", "date", "keep-alive", "retry-after", "server-timing", "transfer-encoding", "x-request-id")
)
# All that is looked at where the rest may change.
LASTING = ("content-type", "cvae-model")
PROBLEM = "application/problem+json"
BUSY = frozenset((429, 503, 504))
REQUEST_ID = "x-request-id"


@dataclasses.dataclass(frozen=True)
class Reference:
    """A request and the right answer to it.

    Attributes:
        name: For the report.
        method: Of the request.
        head: Of the request, without the empty line that ends it.
        content: The body of the request.
        weight: How often it is asked, against the others.
        kind: "bytes": the body must be the same; "problem": but for its request id; "loose": only the status
            and `LASTING` headers, as of what changes.
        status: Of the answer.
        headers: Of the answer, without `VOLATILE`.
        body: Of the answer.
        others: The same request with other answers that are right too.
    """

    name: str
    method: str
    head: bytes
    content: bytes
    weight: float
    kind: Kind
    status: int
    headers: dict[str, str]
    body: bytes
    others: tuple[Reference, ...] = ()

    def to_bytes(self, request_id: str = "", *, close: bool = False) -> bytes:
        """Write the request.

        Args:
            request_id: Goes with it, if given, and must come back.
            close: Whether to ask the server to close the connection after its answer.
        """
        lines = self.head
        if request_id:
            lines += f"{REQUEST_ID}: {request_id}\r\n".encode()
        if close:
            lines += b"connection: close\r\n"
        return b"%b\r\n%b" % (lines, self.content)


class Judgement:
    """What became of a request, and why."""

    __slots__ = ("reason", "verdict")

    def __init__(self, verdict: Verdict, reason: str = "") -> None:
        """Stores both."""
        self.verdict = verdict
        self.reason = reason


RIGHT = Judgement("right")


def keep(headers: dict[str, str], kind: Kind) -> dict[str, str]:
    """Return the headers that must be the same each time."""
    if kind == "loose":
        return {name: headers[name] for name in LASTING if name in headers}
    left = VOLATILE if kind == "bytes" else VOLATILE | {"content-length"}
    return {name: value for name, value in headers.items() if name not in left}


def judge(reference: Reference, answer: Answer, request_id: str = "") -> Judgement:
    """Tell whether an answer is the right one, whole and to the byte.

    Args:
        reference: To the request.
        answer: That came.
        request_id: That went with the request, if any.

    Returns:
        The verdict, with what was expected and received where it is not "right".
    """
    judgement = _judge_by(reference, answer, request_id)
    if judgement.verdict == "wrong":
        others = (_judge_by(other, answer, request_id) for other in reference.others)
        return next((other for other in others if other.verdict == "right"), judgement)
    return judgement


def _judge_by(reference: Reference, answer: Answer, request_id: str) -> Judgement:
    if answer.status != reference.status:
        return _judge_status(reference, answer)
    fault = (
        _compare_id(answer, request_id)
        or _compare_headers(reference, answer)
        or _compare_bodies(reference, answer)
    )
    return Judgement("wrong", fault) if fault else RIGHT


def _judge_status(reference: Reference, answer: Answer) -> Judgement:
    reason = f"expected status {reference.status}, received {answer.status}: {answer.body[:200]!r}"
    if answer.status in BUSY and _says_why(answer, headless=reference.method == "HEAD"):
        return Judgement("busy", reason)
    return Judgement("failed" if answer.status >= 500 else "wrong", reason)


def _says_why(answer: Answer, *, headless: bool) -> bool:
    """Tell whether a refusal is the service's own: in its form, and if one may come again, with when."""
    if headless:  # to HEAD, the words are not sent
        return not answer.body and answer.headers.get("content-type") == "application/problem+json"
    try:
        fields = json.loads(answer.body)
    except ValueError:
        return False
    told = fields.get("status") == answer.status or "error" in fields
    return told and (answer.status != 429 or answer.headers.get("retry-after", "").isdecimal())


def _compare_id(answer: Answer, request_id: str) -> str:
    received = answer.headers.get(REQUEST_ID)
    if not request_id or received == request_id:
        return ""
    return f"expected X-Request-ID {request_id}, received {received}: another request's answer"


def _compare_headers(reference: Reference, answer: Answer) -> str:
    received = keep(answer.headers, reference.kind)
    if received == reference.headers:
        return ""
    names = sorted(
        name for name in {*received, *reference.headers} if received.get(name) != reference.headers.get(name)
    )
    each = (
        f"{name}: expected {reference.headers.get(name)!r}, received {received.get(name)!r}" for name in names
    )
    return "; ".join(each)


def _compare_bodies(reference: Reference, answer: Answer) -> str:
    if reference.kind == "loose" or answer.body == reference.body:
        return ""
    if reference.kind == "problem":
        return _compare_problems(reference, answer)
    return describe_difference(reference.body, answer.body)


def _compare_problems(reference: Reference, answer: Answer) -> str:
    try:
        expected, received = (dict(json.loads(body)) for body in (reference.body, answer.body))
    except ValueError:
        return f"expected a problem, received {answer.body[:200]!r}"
    expected.pop("request_id", None)
    if received.pop("request_id", None) != answer.headers.get(REQUEST_ID):
        return f"expected the header's request id in the problem, received {answer.body[-200:]!r}"
    return "" if received == expected else f"expected {expected}, received {received}"


def describe_difference(expected: bytes, received: bytes) -> str:
    """Say how two bodies differ: in length first, for a short answer is the worst."""
    if len(expected) != len(received):
        return f"expected {len(expected)} bytes, received {len(received)}"
    place = next(i for i, pair in enumerate(zip(expected, received, strict=True)) if pair[0] != pair[1])
    return f"expected byte {place} of {len(expected)} to be {expected[place]}, received {received[place]}"
