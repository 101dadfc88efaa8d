"""What a request may hold: each limit is kept before what it is there to spare, and said with its way out."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.http.bodies import json_bodies
from service.server.app import Application, create_app
from tests.pauses import Reply, ask, watch_pauses

JSON = {"content-type": "application/json"}
INFER = "/v2/models/fake.decoder/infer"
LENGTH = "inference-header-content-length"
MOST = 100_000
EXPECTED = f"at most {MOST} bytes of JSON (CVAE_MAX_JSON_BYTES)"
SMALL = "at most 16384 bytes of JSON"
# Of each route that reads JSON: what a body of more than it may have is told.
ROUTES = {
    "/decode": f"{EXPECTED}; application/x-npy may be larger",
    "/encode": f"{EXPECTED}; application/x-npy and files may be larger",
    "/reconstruct": f"{EXPECTED}; application/x-npy and files may be larger",
    "/restyle": f"{EXPECTED}; application/x-npy and files may be larger",
    "/interpolate": f"{EXPECTED}; multipart/form-data may be larger",
    INFER: f"{EXPECTED}; binary tensors may be larger",
    "/sample": SMALL,
    "/v2/repository/index": SMALL,
}


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Application]:
    low = settings.model_copy(update={"max_json_bytes": MOST})
    with TestClient(create_app(low)) as client:
        yield client.app  # type: ignore[misc]


def post(app: Any, path: str, content: bytes | Iterable[bytes], headers: dict[str, str] = JSON) -> Reply:
    return asyncio.run(ask(app, "POST", path, content, headers))


def say(answer: Reply) -> str:
    body = json.loads(answer.content)
    return str(body["error"] if "error" in body else body["detail"])


def list_faults(answer: Reply) -> list[str]:
    assert len(answer.content) < 4000
    return [fault["field"] for fault in json.loads(answer.content)["errors"]]


@pytest.mark.parametrize("path", ROUTES)
def test_json_that_is_declared_too_long_is_not_read(app: Application, path: str) -> None:
    answer = post(app, path, b" " * (MOST + 1))
    assert (answer.status, answer.reads) == (413, 0)
    assert say(answer) == f"body: expected {ROUTES[path]}, received {MOST + 1}"


@pytest.mark.parametrize("path", ROUTES)
def test_json_of_unknown_length_is_read_no_further_than_it_may_be(app: Application, path: str) -> None:
    answer = post(app, path, (b" " * 10_000 for _ in range(1000)))
    assert answer.status == 413
    assert answer.reads <= MOST // 10_000 + 1
    assert say(answer) == f"body: expected {ROUTES[path]}, received more"


def test_json_before_tensors_is_limited_by_its_own_length(app: Application) -> None:
    tensor = np.zeros((64, 2), "<f4").tobytes()
    answer = post(app, INFER, b" " * (MOST + 1) + tensor, {LENGTH: str(MOST + 1)})
    assert (answer.status, answer.reads) == (413, 0)
    assert say(answer) == f"Inference-Header-Content-Length: expected {ROUTES[INFER]}, received {MOST + 1}"
    parameters = {"binary_data_size": len(tensor)}
    head = json.dumps(
        {"inputs": [{"name": "z", "shape": [64, 2], "datatype": "FP32", "parameters": parameters}]}
    )
    content = head.encode().ljust(MOST) + tensor
    assert post(app, INFER, content, {LENGTH: str(MOST)}).status == 200


def test_what_is_no_json_may_be_longer(app: Application) -> None:
    answer = post(app, "/decode", b" " * (MOST + 1), {"content-type": "application/x-npy"})
    assert answer.status == 400


def test_the_defaults_take_what_json_is_for(settings: Settings) -> None:
    random = np.random.RandomState(0)
    patient = settings.model_copy(update={"max_request_rows": 1024, "max_body_bytes": 16 * 2**20})
    with TestClient(create_app(patient)) as client:
        vectors = client.post("/decode", json={"z": random.randn(1024, 2).tolist()})
        pictures = client.post("/encode", json={"pixels": random.rand(100, 28, 28).tolist()})
    assert (vectors.status_code, pictures.status_code) == (200, 200)


def test_a_long_body_is_parsed_beside_the_loop_and_one_at_a_time(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, threads = 0, 0, set()
    parse_json = json_bodies.parse_json

    def note(*arguments: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threads.add(threading.current_thread())
        try:
            return parse_json(*arguments)
        finally:
            running -= 1

    monkeypatch.setattr(json_bodies, "parse_json", note)
    long = json.dumps({"z": [0, 0]}).encode().ljust(json_bodies.INLINE_BYTES + 1)

    async def scene(content: bytes) -> list[int]:
        answers = await asyncio.gather(*(ask(app, "POST", "/decode", content, JSON) for _ in range(8)))
        return [answer.status for answer in answers]

    with asyncio.Runner() as runner:
        # The application's own loop would do; a lock belongs to the first loop that waits for it.
        monkeypatch.setattr(app.api.state, "parsing", asyncio.Lock())
        assert runner.run(scene(long)) == [200] * 8
        assert most == 1
        assert threading.main_thread() not in threads
        threads.clear()
        assert runner.run(scene(long.strip())) == [200] * 8
        assert threads == {threading.main_thread()}


def test_the_wait_to_be_parsed_is_under_the_deadline(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = json.dumps({"z": [0, 0]}).encode().ljust(json_bodies.INLINE_BYTES + 1)
    hurried = {**JSON, "x-request-timeout-ms": "20"}

    async def scene() -> tuple[int, int]:
        parsing = asyncio.Lock()
        monkeypatch.setattr(app.api.state, "parsing", parsing, raising=False)
        async with parsing:
            late = await ask(app, "POST", "/decode", long, hurried)
        return late.status, (await ask(app, "POST", "/decode", long, JSON)).status

    assert asyncio.run(scene()) == (504, 200)


UNKNOWN = ",".join(f'"x{i}":1' for i in range(900))
WRONG = ",".join(['""'] * 900)
EMPTY = ",".join(["{}"] * 900)


@pytest.mark.parametrize(
    ("path", "content", "fields"),
    [
        ("/decode", f"{{{UNKNOWN}}}", ["z", "x0", "x1", "x2"]),
        ("/decode", f'{{"z":[0,0],{UNKNOWN}}}', ["x0", "x1", "x2"]),
        ("/encode", f"{{{UNKNOWN}}}", ["pixels", "x0", "x1", "x2"]),
        ("/sample", f"{{{UNKNOWN}}}", ["x0", "x1", "x2"]),
        ("/interpolate", f'{{"from":{{{UNKNOWN}}},"to":1}}', ["from.x0", "from.x1", "from.x2", "to"]),
        ("/decode", f'{{"z":[0,0],"label":[{EMPTY}]}}', ["label[0]"]),
        ("/decode", f'{{"z":[{WRONG}]}}', ["z[0]"]),
        ("/decode", f'{{"z":[{EMPTY}]}}', ["z[0]"]),
        ("/decode", f'{{"{"y" * 9000}":1,"z":[0,0]}}', ["y" * 79 + "…"]),
        ("/sample", '{"n":"","seed":"","temperature":"","digit":"","model":1,"a":1,"b":1,"c":1,"d":1}', None),
    ],
)
def test_an_error_tells_a_few_faults_and_no_more(
    app: Application, path: str, content: str, fields: list[str] | None
) -> None:
    answer = post(app, path, content.encode())
    assert answer.status == 422
    found = list_faults(answer)
    assert found == (fields or found)
    assert len(found) <= 8


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f'{{"inputs":[{EMPTY}]}}', "inputs[0].name: expected a value, received nothing"),
        (f'{{"inputs":[],"outputs":[{EMPTY}]}}', "outputs[0].name: expected a value, received nothing"),
        (
            '{"inputs":[' + ",".join(['{"name":"z","shape":[1,2],"datatype":"FP32"}'] * 17) + "]}",
            "inputs: expected at most 16 entries, received 17",
        ),
        (
            f'{{"inputs":[{{"name":"z","datatype":"FP32","shape":[{WRONG}]}}]}}',
            "inputs[0].shape[0]: expected a valid integer, received ''",
        ),
        (
            f'{{"inputs":[{{"name":"z","datatype":"FP32","shape":[{",".join("1" * 9)}]}}]}}',
            "inputs[0].shape: expected at most 8 entries, received 9",
        ),
        (
            f'{{"inputs":[],"parameters":{{{UNKNOWN}}}}}',
            "parameters: expected at most 64 entries, received 900",
        ),
        (f'{{"inputs":[],"id":"{"x" * 1025}"}}', "id: expected at most 1024 characters, received 1025"),
    ],
)
def test_lists_of_the_protocol_are_short(app: Application, content: str, says: str) -> None:
    answer = post(app, INFER, content.encode())
    assert (answer.status, say(answer)) == (400, says)


def test_pauses_are_measured() -> None:
    async def scene(step: threading.Event) -> float:
        async with watch_pauses() as pauses:
            step.wait(0.05)
        return pauses.longest_s

    assert asyncio.run(scene(threading.Event())) > 0.04
