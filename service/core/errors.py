"""The exceptions of the service. `http.error_handlers` assigns their HTTP statuses.

Below `/v2`, `http.problems` writes 400 in place of 422.

ServiceError
├── ClientGoneError          nobody waits for the answer any more
├── ClientError              the request is at fault; the text reaches the client
│   ├── MalformedBodyError   the body is not what its content type says
│   ├── InvalidValueError    a value has the wrong type, shape or range
│   ├── TooLargeError        more bytes or pixels than the limits allow
│   ├── ForeignOriginError   another site's page asks for what only the operator may
│   ├── NotFoundError        no such model, or no such class in it
│   ├── MediaTypeError       a content type that is not read here
│   └── NotAcceptableError   no representation the client accepts
└── ServerError              we are at fault
    ├── StartupError         the service must not start; the text is for the operator
    │   ├── BundleError      a bundle does not keep the contract
    │   └── ProviderError    onnxruntime does not offer the provider asked for
    ├── NotReadyError        not started yet, stopping, or no longer able to go on
    ├── QueueFullError       as many rows wait as the queue holds; says when to try again
    ├── DeadlineError        the answer would come too late
    └── InferenceError       the model failed; the text is for the log
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

RECEIVED_CHARACTERS = 80
# From here on, integers are described by their length: Python refuses to write those of over 4,300 digits.
LONG_INTEGER = 10**RECEIVED_CHARACTERS


class ServiceError(Exception):
    """Anything this service raises on purpose."""


class ClientGoneError(ServiceError):
    """Nobody waits for the answer any more."""


class ClientError(ServiceError):
    """The request is at fault.

    Attributes:
        field: The part of the request, such as `z[3][1]` or `model`.
        expected: What it should have been.
        received: What came, shortened: a `Text` as it is, anything else as its repr.
    """

    def __init__(self, field: str, expected: str, received: object) -> None:
        self.field = cut(field)
        self.expected = expected
        self.received = shorten(received)
        super().__init__(f"{self.field}: expected {expected}, received {self.received}")


class MalformedBodyError(ClientError):
    """The body is not what its content type says."""


class InvalidValueError(ClientError):
    """A value has the wrong type, shape or range."""


class TooLargeError(ClientError):
    """More bytes or pixels than the limits allow."""


class ForeignOriginError(ClientError):
    """Another site's page asks for what only the operator may."""


class NotFoundError(ClientError):
    """No such model, or no such class in it."""


class MediaTypeError(ClientError):
    """A content type that is not read here."""


class NotAcceptableError(ClientError):
    """No representation the client accepts."""


class ServerError(ServiceError):
    """We are at fault."""


class StartupError(ServerError):
    """The service must not start."""


class BundleError(StartupError):
    """A bundle does not keep the contract of docs/bundle.md."""


class ProviderError(StartupError):
    """The execution provider asked for by name is not there."""


class NotReadyError(ServerError):
    """Not started yet, stopping, or no longer able to go on."""


class QueueFullError(ServerError):
    """As many rows wait as the queue holds.

    Attributes:
        retry_after_s: When there will be room, by the measured rate; at least 1.
    """

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"the queue is full; try again in {retry_after_s} s")


class DeadlineError(ServerError):
    """The answer would come too late."""


class InferenceError(ServerError):
    """The model failed."""


class Text(str):
    """A description of what came, to be shown as it is and not quoted."""

    __slots__ = ()


def shorten(value: object) -> str:
    """Return a short text of any value, for an error message.

    Args:
        value: What came; a `Text` is kept as it is, anything else becomes its repr.

    Returns:
        At most 80 characters.
    """
    return cut(value if isinstance(value, Text) else "".join(_take(_spell(value))))


def cut(text: str) -> str:
    """Return the first 80 characters of a text, the last of them an ellipsis if there are more."""
    return str(text) if len(text) <= RECEIVED_CHARACTERS else text[: RECEIVED_CHARACTERS - 1] + "…"


def _take(pieces: Iterable[str]) -> Iterator[str]:
    """Yield pieces until there are enough characters; `repr` would walk the whole value, however deep."""
    left = RECEIVED_CHARACTERS
    for piece in pieces:
        yield piece
        left -= len(piece)
        if left < 0:
            break


def _spell(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from _join("[", (_spell(part) for part in value), "]")
    elif isinstance(value, dict):
        pairs = (itertools.chain(_spell(key), (": ",), _spell(part)) for key, part in value.items())
        yield from _join("{", pairs, "}")
    elif isinstance(value, int) and abs(value) >= LONG_INTEGER:
        yield f"an integer of {value.bit_length()} bits"
    else:
        yield repr(value[:RECEIVED_CHARACTERS] if isinstance(value, str | bytes) else value)


def _join(start: str, parts: Iterable[Iterator[str]], end: str) -> Iterator[str]:
    yield start
    for i, part in enumerate(parts):
        if i:
            yield ", "
        yield from part
    yield end
