"""Whatever comes, it is answered with a status that says whose fault it is: the client's."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

import pytest
from fastapi.testclient import TestClient

from tests.pauses import ask
from tests.service.hostile import make_request

REQUESTS = 1500
# A few faults, and no more of each than says what it is.
MOST_ERROR_BYTES = 4096


@pytest.mark.parametrize("seed", range(2))
def test_no_request_makes_the_service_fail(
    client: TestClient, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    rng = random.Random(seed)
    statuses: Counter[int] = Counter()

    async def scene() -> None:
        for _ in range(REQUESTS):
            request = make_request(rng)
            answer = await ask(client.app, *request)
            statuses[answer.status] += 1
            assert answer.status < 500, (request, answer.content)
            if answer.status >= 400 and request.method != "HEAD":
                body = json.loads(answer.content)
                assert len(answer.content) <= MOST_ERROR_BYTES, request
                assert body.get("status", answer.status) == answer.status

    asyncio.run(scene())
    assert caplog.text == ""
    # It gets as far as each of these.
    assert {200, 400, 404, 406, 413, 422} <= set(statuses), statuses
    assert statuses[200] > REQUESTS / 50


@pytest.mark.parametrize(
    "content",
    [
        b'{"inputs":[{"name":"z","datatype":"FP32","shape":[%b,2],"data":[NaN]}]}' % (b"9" * 4299),
        b'{"inputs":[{"name":"z","datatype":"FP32","shape":[1,2],"data":[0,0]}],'
        b'"parameters":{"timeout":%b}}' % (b"9" * 400),
        b'{"inputs":[{"name":"z","datatype":"FP32","shape":[1,2],"data":[0,0]}],"parameters":{"timeout":1e400}}',
        b'{"inputs":' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
)
def test_numbers_that_no_machine_holds_are_the_clients_fault(client: TestClient, content: bytes) -> None:
    answer = client.post("/v2/models/fake.decoder/infer", content=content)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) < 300


@pytest.mark.parametrize(
    "path", ["/manifold.png?n=", "/sample.png?n=", "/digits/", "/interpolate.png?from=0,0&to=1,1&steps="]
)
def test_an_integer_that_python_hardly_writes_is_refused(client: TestClient, path: str) -> None:
    answer = client.get(path + "9" * 4000)
    assert answer.status_code in (404, 422)
    assert len(answer.content) < 1000
