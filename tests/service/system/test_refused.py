"""Each of hundreds of hostile requests is refused: in time, as the client's fault, in words for people."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from fastapi.testclient import TestClient

from tests.pauses import ask
from tests.service.refused.requests import Refused, list_refused

REFUSED = list(dict.fromkeys(list_refused()))
# Of the processor; what a machine that does much else at once takes says nothing.
MOST_S, MOST_BYTES = 1.0, 4096


def test_there_are_hundreds_and_all_routes_that_read_something_have_some() -> None:
    assert len(REFUSED) >= 500
    assert {request.method for request in REFUSED} >= {"GET", "POST", "PUT", "BREW"}


def test_every_one_is_refused(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> list[str]:
        return [
            f"{request!r:.200}: {fault}"
            for request in REFUSED
            if (fault := await _find_fault(client, request))
        ]

    faults = asyncio.run(scene())
    assert not faults, "\n".join([f"{len(faults)} of {len(REFUSED)}", *faults])
    assert caplog.text == ""


async def _find_fault(client: TestClient, request: Refused) -> str:
    headers = {**dict(request.headers), "content-length": str(len(request.content))}
    begun = time.process_time()
    answer = await ask(client.app, request.method, request.target.encode(), request.content, headers)
    took_s = time.process_time() - begun
    if not 400 <= answer.status < 500:
        return f"{answer.status} {answer.content[:100]!r}"
    if took_s > MOST_S or len(answer.content) > MOST_BYTES:
        return f"took {took_s} s, {len(answer.content)} bytes"
    body = json.loads(answer.content)
    protocol = request.target.startswith("/v2")
    media_type = {name.lower(): value for name, value in answer.headers.items()}["content-type"]
    if media_type != ("application/json" if protocol else "application/problem+json"):
        return media_type
    if protocol:
        return "" if body["error"] else "no words"
    if body["status"] != answer.status or not body["detail"]:
        return f"{body}"
    parts = [all(fault[name] for name in ("field", "expected", "received")) for fault in body["errors"]]
    return "" if all(parts) else f"{body['errors']}"
