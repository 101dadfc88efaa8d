"""The exceptions that a client raises.

CvaeError
├── NoAnswerError            nothing came back
│   ├── UnreachableError     no connection, or one that broke
│   └── TimedOutError        the caller's timeout passed
├── BrokenAnswerError        what came is not what the service's API says
└── ServiceError             the service answered with a problem (RFC 9457)
    ├── RequestError         any other 4xx: the request is at fault
    │   └── NotFoundError    404: no such model, class or path
    ├── BusyError            429: the queue is full, or this client has asked too often
    ├── UnavailableError     503: not ready, or stopping
    └── LateError            504: the answer would have come too late
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import httpx

from service.core.headers import REQUEST_ID

SHOWN_CHARACTERS = 200


class CvaeError(Exception):
    """The base of all errors of the service or of the network on the way to it.

    All of them, but not their causes, can be copied and pickled, and so returned from other processes.
    """

    def __reduce__(self) -> tuple[Callable[..., CvaeError], tuple[Any, ...]]:
        """Return how to rebuild the error without its constructor, which may need more than is kept."""
        return _restore, (type(self), self.args, self.__dict__.copy())


class NoAnswerError(CvaeError):
    """Nothing came back."""


class UnreachableError(NoAnswerError):
    """No connection, or one that broke.

    Attributes:
        lasting: Whether another try is of no use, as after a certificate that is not trusted.
    """

    def __init__(self, message: str = "", *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class TimedOutError(NoAnswerError):
    """The caller's timeout passed."""


class BrokenAnswerError(CvaeError):
    """What came is not what the service's API says."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request.

    Attributes:
        field: Such as `z[3][1]`.
        expected: What it should have been.
        received: What came.
    """

    field: str
    expected: str
    received: str


class ServiceError(CvaeError):
    """The service answered with a problem (RFC 9457); the message is its detail.

    The answer may also come from a proxy or another server: then the message names the route to it.

    Attributes:
        status: HTTP status.
        title: The status in words.
        detail: One sentence.
        errors: Each wrong field of the request; may be empty.
        request_id: To find the request in the service's log; empty if none was sent.
        retry_after: The header, if there is one: seconds or a date.
    """

    def __init__(self, response: httpx.Response, route: str = "") -> None:
        """Read a response.

        Args:
            response: With its body loaded; it need not be a problem.
            route: How the service is reached, for the message.
        """
        fields = _read_fields(response)
        self.status = response.status_code
        self.title = str(fields.get("title", response.reason_phrase))
        self.detail = str(fields.get("detail", response.text[:SHOWN_CHARACTERS] or self.title))
        self.errors = _read_faults(fields.get("errors"))
        self.request_id = response.headers.get(REQUEST_ID, "")
        self.retry_after: str | None = response.headers.get("Retry-After")
        foreign = f"{route}: expected an answer of the service, received {self.status} {self.detail}"
        super().__init__(foreign if route and "detail" not in fields else self.detail)


class RequestError(ServiceError):
    """The request is at fault."""


class NotFoundError(RequestError):
    """No such model, class or path."""


class BusyError(ServiceError):
    """The queue is full, or this client has asked too often."""


class UnavailableError(ServiceError):
    """Not ready, or stopping."""


class LateError(ServiceError):
    """The answer would have come too late."""


STATUSES: dict[int, type[ServiceError]] = {
    404: NotFoundError,
    429: BusyError,
    503: UnavailableError,
    504: LateError,
}


def to_error(response: httpx.Response, route: str = "") -> ServiceError:
    """Return the error that a response stands for.

    Args:
        response: With a status of 400 or more, and its body loaded.
        route: How the service is reached, for the message.

    Returns:
        The error for its status.
    """
    other = RequestError if response.is_client_error else ServiceError
    return STATUSES.get(response.status_code, other)(response, route)


def _restore(kind: type[CvaeError], args: tuple[Any, ...], fields: dict[str, Any]) -> CvaeError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


def _read_fields(response: httpx.Response) -> dict[str, Any]:
    try:
        fields = json.loads(response.content)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _read_faults(entries: Any) -> tuple[Fault, ...]:
    names = [field.name for field in dataclasses.fields(Fault)]
    if not isinstance(entries, list):
        return ()
    return tuple(
        Fault(*(str(entry.get(name, "")) for name in names)) for entry in entries if isinstance(entry, dict)
    )
