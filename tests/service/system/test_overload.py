"""More requests than the model can answer: each gets its picture or a 429 at once; none is lost or a 5xx."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import pathlib
import threading
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.types import Message

from service.batching.context import RequestContext
from service.core.settings import Settings
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.server.app import Application, create_app
from tests.service import fake

CAPACITY, BATCH = 64, 8
# A batch that runs, and one that waits for it in the thread.
HELD = 2 * BATCH


@pytest.fixture
def app(models_dir: pathlib.Path) -> Application:
    settings = Settings(
        models_dir=models_dir, queue_capacity_rows=CAPACITY, max_request_rows=CAPACITY, max_batch_rows=BATCH
    )
    registry = Registry(settings)
    registry.start()
    app = create_app(settings, registry)
    app.api.state.registry = registry
    return app


def hold(app: Application) -> tuple[threading.Event, threading.Event]:
    """Makes the model tell by one event that it runs, and wait in its thread until the other is set."""
    batcher = app.api.state.registry.get()._decoder
    runs, gate, run = threading.Event(), threading.Event(), batcher.run

    def held(rows: Any) -> Any:
        runs.set()
        assert gate.wait(10)
        return run(rows)

    batcher.run, batcher.inline_rows = held, 0
    return runs, gate


def test_ten_times_too_many_are_answered_or_refused_and_none_is_lost(app: Application) -> None:
    async def scene() -> list[httpx.Response]:
        _, gate = hold(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            first = [asyncio.ensure_future(ask(client, i)) for i in range(10 * CAPACITY)]
            # The refusals come while the model still holds all it has accepted.
            while len([task for task in first if task.done()]) < 9 * CAPACITY - HELD:
                await asyncio.sleep(0.001)
            assert {task.result().status_code for task in first if task.done()} == {429}
            gate.set()
            answers = await asyncio.gather(*first)
            again = await ask(client, 7)
        assert again.status_code == 200
        return answers

    answers = asyncio.run(asyncio.wait_for(scene(), 60))
    counts = collections.Counter(answer.status_code for answer in answers)
    assert set(counts) == {200, 429}
    assert CAPACITY <= counts[200] <= CAPACITY + HELD
    for i, answer in enumerate(answers):
        if answer.status_code == 200:
            np.testing.assert_allclose(answer.json()["images"], fake.decode(vector(i))[..., 0], atol=1e-6)
        else:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["content-type"] == "application/problem+json"


def test_while_the_queue_is_full_nothing_of_a_request_is_read(app: Application) -> None:
    engine = app.api.state.registry.get()
    engine._decoder.waiting_rows = CAPACITY
    assert {path: refuse_unread(app, path) for path in ("/decode", "/interpolate", "/encode")} == {
        "/decode": 429,
        "/interpolate": 429,
        "/encode": None,
    }
    engine._decoder.waiting_rows, engine._encoder.waiting_rows = 0, CAPACITY
    assert refuse_unread(app, "/encode") == 429
    assert refuse_unread(app, "/decode") is None


def test_the_protocol_refuses_by_the_queue_of_the_graph_that_is_named(app: Application) -> None:
    registry = app.api.state.registry
    registry.get()._decoder.waiting_rows = CAPACITY
    assert refuse_unread(app, "/v2/models/fake.decoder/infer") == 429
    assert refuse_unread(app, "/v2/models/fake.encoder/infer") is None
    assert refuse_unread(app, "/v2/models/nothing.decoder/infer") == 404

    async def scene() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.post("/v2/models/fake.decoder/infer", content=b"{}")

    answer = asyncio.run(scene())
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"].startswith("the queue is full; try again in ")


def test_while_any_model_has_room_requests_are_read(app: Application) -> None:
    registry = app.api.state.registry
    registry.get()._decoder.waiting_rows = CAPACITY
    other = Engine(registry.get().model, registry.settings, registry.places)
    other.start()
    served = registry.served
    registry.served = dataclasses.replace(served, engines={**served.engines, "other": other})
    assert refuse_unread(app, "/decode") is None
    other._decoder.waiting_rows = CAPACITY
    assert refuse_unread(app, "/decode") == 429
    other.close()


def refuse_unread(app: Application, path: str) -> int | None:
    """Gives the status that a request gets whose body never comes, or None if the body is asked for."""

    async def scene() -> int | None:
        asked, statuses = asyncio.Event(), asyncio.Queue[int]()

        async def receive() -> Message:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.put_nowait(message["status"])

        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1"}
        headers = [(b"content-type", b"application/json"), (b"content-length", b"99")]
        answering = asyncio.ensure_future(app({**scope, "headers": headers}, receive, send))
        waiting = asyncio.ensure_future(asked.wait())
        await asyncio.wait((answering, waiting), return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        waiting.cancel()
        return None if asked.is_set() else statuses.get_nowait()

    return asyncio.run(asyncio.wait_for(scene(), 10))


def vector(i: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[i / 512, -i / 1024]])


async def ask(client: httpx.AsyncClient, i: int) -> httpx.Response:
    return await client.post("/decode?format=json", json={"z": vector(i)[0].tolist()})


def test_what_waited_past_its_deadline_is_504_and_never_runs(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> list[int]:
        runs, gate = hold(app)
        held, sizes = app.api.state.registry.get()._decoder.run, []

        def noted(rows: Any) -> Any:
            sizes.append(len(rows))
            return held(rows)

        app.api.state.registry.get()._decoder.run = noted
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            patient = asyncio.ensure_future(ask(client, 1))
            while not runs.is_set():
                await asyncio.sleep(0.001)
            monkeypatch.setattr(app.api.state.registry, "open_call", lambda _=None: RequestContext(0.0))
            late = asyncio.ensure_future(ask(client, 2))
            await asyncio.sleep(0.01)
            gate.set()
            found = [answer.status_code for answer in await asyncio.gather(patient, late)]
            assert sizes == [1]
            return found

    assert asyncio.run(asyncio.wait_for(scene(), 30)) == [200, 504]
