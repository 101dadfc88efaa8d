"""The bodies of errors: problem details (RFC 9457) and, below `/v2`, those of the Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Response
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)
from starlette.requests import HTTPConnection

from service.core.media_types import JSON
from service.http.caching import NEVER

MEDIA_TYPE = "application/problem+json"
PROTOCOL = "/v2"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    field: Annotated[str, Field(description="Such as `z[3][1]`.")]
    expected: str
    received: str

    def __str__(self) -> str:
        """Return it as an error's `detail` says it."""
        return f"{self.field}: expected {self.expected}, received {self.received}"


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: Annotated[list[Fault], Field(description="Empty where no part of the request is at fault.")] = []
    request_id: str


class ProtocolError(BaseModel):
    """An error, as the protocol has it."""

    error: str


def problem(
    request: HTTPConnection,
    status: int,
    detail: str,
    faults: list[Fault] | None = None,
    headers: dict[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return the answer to a request that failed.

    Args:
        request: Its path decides the format, and its state has the request id.
        status: The HTTP status.
        detail: One sentence for the client.
        faults: What is wrong with which part of the request.
        headers: Further headers.
        extra: Further fields of the body; below `/v2`, there are none.

    Returns:
        An `application/problem+json` answer; below `/v2`, the protocol's, whose clients read nothing else,
        with 400 in place of 422.
    """
    # What fails now need not fail a moment later.
    headers = {"Cache-Control": NEVER, **(headers or {})}
    if speaks_protocol(request):
        # In the protocol, any request with something wrong in it is malformed.
        content = json.dumps({"error": detail}, ensure_ascii=True)
        return Response(content, 400 if status == 422 else status, headers, JSON)
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=faults or [],
        request_id=getattr(request.state, "request_id", ""),
    )
    # ASCII alone: a client may have sent half a surrogate pair, which UTF-8 cannot hold.
    content = json.dumps({**body.model_dump(), **(extra or {})}, ensure_ascii=True)
    return Response(content, status, headers, MEDIA_TYPE)


def speaks_protocol(request: HTTPConnection) -> bool:
    """Return whether a request's path is one of the Open Inference Protocol's, or would be."""
    path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return path == PROTOCOL or path.startswith(PROTOCOL + "/")
