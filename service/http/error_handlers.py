"""The one table from our exceptions to HTTP statuses, and the answers to requests that failed.

Below `/v2`, `http.problems` writes 400 in place of 422. What `connections` refuses never comes here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.core import errors
from service.http.problems import Fault, problem
from service.observability.metrics import CLIENT_GONE
from service.observability.request_id import log_failure

STATUSES: dict[type[errors.ServiceError], int] = {
    errors.MalformedBodyError: 400,
    errors.ForeignOriginError: 403,
    errors.NotFoundError: 404,
    errors.NotAcceptableError: 406,
    errors.TooLargeError: 413,
    errors.MediaTypeError: 415,
    errors.InvalidValueError: 422,
    errors.QueueFullError: 429,
    errors.NotReadyError: 503,
    errors.DeadlineError: 504,
}
# An answer lists at most so many faults, even if more fields are wrong.
MOST_FAULTS = 8
# The reasons by which what HTTP itself refuses is counted.
REASONS = {400: "malformed_body", 404: "not_found", 405: "wrong_method", 414: "too_large", 503: "bodies_full"}
# What pydantic says when there are too many of something.
COUNTED = {"too_long": "entries", "string_too_long": "characters"}
# What pydantic says when something else stands where an object should.
NOT_OBJECT = {"model_type", "model_attributes_type", "dict_type"}


def install(api: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Install the handlers of this module, so that an application answers every error with them.

    Args:
        api: The application.
        routers: Of all its routes: a path may have several, each of a method.
    """
    api.state.methods = _list_methods(routers)
    for kind, handler in {**HANDLERS, Exception: answer_unknown}.items():
        api.add_exception_handler(kind, handler)


async def answer_error(request: Request, error: Exception) -> Response:
    """Return the answer to a request that failed; unexpected errors are logged."""
    handler = next((HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS), _raise_unknown)
    try:
        return await handler(request, error)
    except Exception as unknown:
        log_failure(request.scope, unknown)
        return await answer_unknown(request, unknown)


async def answer_service_error(request: Request, error: BaseException) -> Response:
    """Return the answer to a `ServiceError`.

    Raises:
        BaseException: The same error, where the client must not see it.
    """
    if isinstance(error, errors.ClientGoneError):
        return await _answer_gone(request, error)
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        raise error  # to be logged, and answered as an unexpected error
    count_refusal(request, _REASONS[type(error)])
    if isinstance(error, errors.QueueFullError):
        return problem(request, status, str(error), headers={"Retry-After": str(error.retry_after_s)})
    if isinstance(error, errors.ClientError):
        fault = Fault(field=error.field, expected=error.expected, received=error.received)
        return problem(request, status, str(error), [fault])
    return problem(request, status, str(error))


def count_refusal(request: Request, reason: str) -> None:
    """Count a request that is refused, if an application counts."""
    state = getattr(request.scope.get("app"), "state", None)
    metrics = getattr(state, "metrics", None)
    if metrics is not None:
        metrics.count_refusal(reason)


class _Reasons(dict[type[BaseException], str]):
    """The reasons by kind of error: `QueueFullError` is "queue_full"."""

    def __missing__(self, kind: type[BaseException]) -> str:
        words = re.findall("[A-Z][a-z]+", kind.__name__.removesuffix("Error"))
        reason = self[kind] = "_".join(words).lower()
        return reason


_REASONS = _Reasons()


async def _answer_gone(_request: Request, _error: BaseException) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    entries: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else []
    if entries and entries[0]["type"] == "json_invalid":
        where, reason = entries[0]["loc"][-1], entries[0]["ctx"]["error"]
        count_refusal(request, "malformed_body")
        fault = Fault(
            field="body", expected="JSON", received=f"a text that breaks at character {where} ({reason})"
        )
        return problem(request, 400, str(fault), [fault])
    count_refusal(request, "invalid_value")
    faults = [_to_fault(entry) for entry in entries[:MOST_FAULTS]]
    return problem(request, 422, str(faults[0]), faults)


def _to_fault(entry: dict[str, Any]) -> Fault:
    where = entry["loc"][1:] or entry["loc"]
    context = entry.get("ctx", {})
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    field = errors.cut("".join(parts).removeprefix(".")) or '""'
    if entry["type"] in COUNTED:
        received = f"{len(entry['input'])}" if entry["input"] is not None else "more"
        return Fault(
            field=field,
            expected=f"at most {context['max_length']} {COUNTED[entry['type']]}",
            received=received,
        )
    if "expected" in context and "received" in context:
        return Fault(
            field=field + context["at"],
            expected=context["expected"],
            received=errors.cut(context["received"]),
        )
    if entry["type"] == "missing":
        return Fault(field=field, expected="a value", received="nothing")
    if entry["type"] == "extra_forbidden":
        # Not the value: who puts a key in a place where none is read has put it here.
        return Fault(field=field, expected="no field of this name", received="one")
    expected = "a JSON object" if entry["type"] in NOT_OBJECT else _expectation(entry["msg"])
    return Fault(field=field, expected=expected, received=errors.shorten(entry["input"]))


def _expectation(message: str) -> str:
    return message.removeprefix("Input should be ").split(", unable")[0]


async def _answer_http_error(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, ClientDisconnect):  # FastAPI takes it for a broken body
        return await _answer_gone(request, error)
    status = getattr(error, "status_code", 500)
    detail = str(getattr(error, "detail", "")) or "the request failed"
    faults = []
    if status == 404:
        detail = f"there is nothing at {errors.cut(request.scope['path'])}"
    if status == 400 and detail == "There was an error parsing the body":
        faults = [Fault(field="body", expected="JSON", received="a text that cannot be read as JSON")]
        detail = str(faults[0])
    headers = dict(getattr(error, "headers", None) or {})
    if "Allow" in headers:
        *others, last = _list_allowed(request, headers["Allow"])
        headers["Allow"] = ", ".join((*others, last))
        expected = " or ".join(filter(None, (", ".join(others), last)))
        faults = [Fault(field="method", expected=expected, received=request.scope["method"])]
        detail = str(faults[0])
    if status in REASONS:
        count_refusal(request, REASONS[status])
    return problem(request, status, detail, faults, headers)


def _list_methods(routers: Iterable[APIRouter]) -> dict[str, set[str]]:
    methods: dict[str, set[str]] = {}
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            methods.setdefault(route.path, set()).update(route.methods or ())
    return methods


def _list_allowed(request: Request, known: str) -> list[str]:
    """Return the methods of a request's path: FastAPI knows those of one of its routes."""
    path = getattr(request.scope.get("route"), "path", "")
    methods = {*known.split(", "), *request.app.state.methods.get(path, ())}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)  # HEAD is answered as GET


async def _raise_unknown(_request: Request, error: Exception) -> Response:
    raise error


async def answer_unknown(request: Request, _: Exception) -> Response:
    """Return the answer to an unexpected error: a fixed sentence."""
    return problem(request, 500, "The service failed; its log has the request id.")


Handler = Callable[[Request, Any], Awaitable[Response]]
HANDLERS: dict[type[Exception], Handler] = {
    errors.ServiceError: answer_service_error,
    ClientDisconnect: _answer_gone,
    RequestValidationError: _answer_validation_error,
    HTTPException: _answer_http_error,
}
