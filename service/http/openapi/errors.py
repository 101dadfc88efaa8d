"""The OpenAPI entries of errors: problem details (RFC 9457) and, under `/v2`, those of that protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from service.core.media_types import JSON, NPY, STILL
from service.http.openapi import headers as header_entries
from service.http.problems import MEDIA_TYPE, Fault, Problem, ProtocolError

# A real error of each status, in the service's words.
EXAMPLES: dict[int, Fault | str] = {
    400: Fault(field="body", expected="JSON", received="a text that breaks at character 5 (Expecting value)"),
    401: "this needs an API key, as `Authorization: Bearer KEY` or as `X-API-Key: KEY`",
    403: "the API key lacks the scope read",
    404: Fault(field="model", expected="one of mnist-2d", received="'mnist-3d'"),
    406: Fault(field="Accept", expected=" or ".join(STILL), received="'text/html'"),
    413: Fault(field="body", expected="at most 16777216 bytes", received="16777217"),
    415: Fault(field="Content-Type", expected=f"{JSON} or {NPY}", received="text/plain"),
    422: Fault(field="z[1]", expected="a finite number", received="nan"),
    429: "the queue is full; try again in 1 s",
    500: "The service failed; its log has the request id.",
    503: "the models are not loaded yet",
    504: "the deadline passed before the rows could run",
}
# Where `/v2` has other words.
PROTOCOL_EXAMPLES = {
    404: Fault(
        field="model",
        expected="one of mnist-2d.encoder, mnist-2d.decoder",
        received="'mnist-3d.decoder'",
    ),
    415: Fault(field="Content-Encoding", expected="gzip or deflate", received="'br'"),
}
# What client generators call the answer of each status.
NAMES = {
    400: "MalformedBody",
    401: "NoKey",
    403: "NotLetIn",
    404: "NotFound",
    406: "NotAcceptable",
    413: "TooLarge",
    415: "WrongMediaType",
    422: "InvalidValue",
    429: "QueueFull",
    500: "ServiceFailed",
    503: "NotReady",
    504: "TooLate",
}
# The header of a status.
HEADERS = {401: "WWW-Authenticate", 429: "Retry-After"}
# What each status means.
DESCRIPTIONS = {
    400: "The body is not what its `Content-Type` says.",
    401: "The operator asks for an API key, and there was none or one that is not known.",
    403: "The API key lacks a scope; or URLs must be signed, and this one is not, or its time is over.",
    404: "No such model, or no such class in it.",
    406: "`Accept` names nothing that there is.",
    413: "The body is larger than the limit, or a picture in it is.",
    415: "No `Content-Type` that is read here.",
    422: "A value has the wrong type, shape or range, or is beyond the operator's limits.",
    429: "The queue is full, or this client has asked too often.",
    500: "The service failed.",
    503: "The service is starting or stopping.",
    504: "The deadline passed.",
}


def responses(*statuses: int, causes: Mapping[int, Fault] | None = None) -> dict[int | str, dict[str, Any]]:
    """Return the entries of errors, for the `responses` of a route.

    Args:
        *statuses: HTTP statuses, keys of `EXAMPLES`.
        causes: Examples in place of those in `EXAMPLES`.
    """
    return {status: _entry(status, {**EXAMPLES, **(causes or {})}[status]) for status in statuses}


def protocol_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the entries of errors, for the `responses` of a route under `/v2`."""
    return {status: _protocol_entry(status) for status in (*statuses, 500)}


def _protocol_entry(status: int) -> dict[str, Any]:
    entry = _entry(status, {**EXAMPLES, **PROTOCOL_EXAMPLES}[status])
    ((_, content),) = entry["content"].items()
    example = ProtocolError(error=content["example"]["detail"])
    schema = {"$ref": "#/components/schemas/ProtocolError"}
    return {**entry, "content": {JSON: {"schema": schema, "example": example.model_dump()}}}


def unacceptable(*offered: str) -> Fault:
    """Return the example for an `Accept` that none of these media types satisfies."""
    return Fault(field="Accept", expected=" or ".join(offered), received="'text/html'")


def unreadable(accepted: Sequence[str]) -> Fault:
    """Return the example for a body of another media type than these."""
    return Fault(field="Content-Type", expected=" or ".join(accepted), received="text/plain")


def _entry(status: int, cause: Fault | str) -> dict[str, Any]:
    if isinstance(cause, Fault):
        faults, detail = [cause], f"{cause.field}: expected {cause.expected}, received {cause.received}"
    else:
        faults, detail = [], cause
    example = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=faults,
        request_id="5f0c7f9be0d24a4f9d3f6a3c1c0e9a57",
    )
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": DESCRIPTIONS[status],
        **({"headers": header_entries.name(HEADERS[status])} if status in HEADERS else {}),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example.model_dump()}},
    }
