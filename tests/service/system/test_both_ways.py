"""Every kind of request that the API has, over the fast path and over ASGI: the same bytes must come back."""

from __future__ import annotations

import asyncio
import collections
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from service.batching.batcher import Batcher
from service.batching.context import RequestContext
from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.server.app import Application, create_app, create_fast_path
from tests.reliability.cases.case import Case
from tests.reliability.cases.catalogue import CACHED, catalogue_cases
from tests.reliability.cases.drawing import draw_cases
from tests.reliability.cases.paths import path_cases
from tests.reliability.cases.protocol import protocol_cases
from tests.reliability.cases.refusals import refusal_cases
from tests.reliability.cases.uploads import upload_cases
from tests.service.wire import connect, play_for_real, without_ids

PAGE = "https://page.example"
# What differs from one time to the next, whichever way it goes.
CHANGING = {"GET /metrics", "GET /sample.npy, no seed"}
# Headers that a request of any kind may have.
SPELLINGS: dict[str, dict[str, str]] = {
    "plain": {},
    "of another origin": {"origin": PAGE},
    "of a foreign origin": {"origin": "https://other.example"},
    "with a deadline": {"x-request-timeout-ms": "60000"},
    "with a deadline that is none": {"x-request-timeout-ms": "soon"},
    "with a tag": {"if-none-match": "*"},
    "for JSON": {"accept": "application/json"},
    "for nothing there is": {"accept": "text/html"},
    "packed": {"accept-encoding": "gzip"},
    "with an id": {"x-request-id": "mine"},
    "traced": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    "the last": {"connection": "close"},
    "asking first": {"expect": "100-continue"},
    "in no known packing": {"content-encoding": "br"},
    "with a key": {"authorization": "Bearer x"},
}
GROUPS: dict[str, Callable[[], Iterator[Case]]] = {
    "drawing": draw_cases,
    "paths": path_cases,
    "uploads": upload_cases,
    "protocol": protocol_cases,
    "catalogue": catalogue_cases,
    "refusals": refusal_cases,
}


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    registry = Registry(Settings(deadline_ms=60_000))
    registry.start()
    yield registry
    registry.close()


def build(registry: Registry, *origins: str) -> tuple[Application, FastPath]:
    settings = Settings(cors_origins=origins)
    app = create_app(settings, registry)
    app.api.state.registry = registry
    path = create_fast_path(settings, app.direct)
    assert path is not None
    return app, path


def list_batchers(engines: Iterable[Engine]) -> list[Batcher]:
    return [batcher for engine in engines for batcher in (engine._decoder, engine._encoder)]


def ask(app: Application, path: FastPath | None, content: bytes) -> bytes:
    async def scene() -> bytes:
        connection = connect(app, path)
        await connection.send(content)
        answer = await connection.read()
        # Of a request that failed, parts may be about to run: the batchers would wait for this loop for ever.
        batchers = list_batchers(getattr(app.api.state, "registry", ()))
        while any(batcher._drain_due or batcher._in_thread for batcher in batchers):
            await asyncio.sleep(0.001)
        return answer

    answer: bytes = play_for_real(scene)
    return without_ids(answer)


def write(case: Case, more: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in more.items() if name not in case.headers)
    return case.head + lines.encode() + b"\r\n" + case.content


@functools.cache
def list_kinds() -> Sequence[Case]:
    """The first of all cases whose names differ in more than numbers, and a HEAD of some."""
    kinds: dict[str, Case] = {}
    for case in (case for make in GROUPS.values() for case in make()):
        if case.name not in CHANGING:
            kinds.setdefault(re.sub("[0-9]+", "0", case.name), case)
    return [*kinds.values(), *(Case(f"HEAD {target}", target, "HEAD") for target in CACHED)]


def compare(app: Application, path: FastPath, more: dict[str, str]) -> collections.Counter[bytes]:
    """Ask for all kinds both ways; how often there was which status."""
    cases, found = list_kinds(), collections.Counter[bytes]()
    assert len(cases) > 150
    for case in cases:
        content = write(case, more)
        answer = ask(app, path, content)
        assert answer == ask(app, None, content), case.name
        found[answer.split(b" ")[1]] += 1
    return found


def test_requests_of_all_kinds_are_answered_alike(registry: Registry) -> None:
    app, path = build(registry)
    compare(app, path, {})
    assert path.heads._heads  # it was taken


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_in_every_spelling_they_are_answered_alike_where_other_pages_may_call(
    registry: Registry, spelling: str
) -> None:
    compare(*build(registry, PAGE), SPELLINGS[spelling])


def fail(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a fault of ours")


def fill_queues(registry: Registry, patch: pytest.MonkeyPatch) -> None:
    for batcher in list_batchers(registry):
        patch.setattr(batcher, "waiting_rows", batcher.queue_capacity_rows)


def break_models(registry: Registry, patch: pytest.MonkeyPatch) -> None:
    for batcher in list_batchers(registry):
        patch.setattr(batcher, "run", fail)


def stop_models(registry: Registry, patch: pytest.MonkeyPatch) -> None:
    for batcher in list_batchers(registry):
        patch.setattr(batcher, "_thread", None)


def end_deadlines(registry: Registry, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(registry, "open_call", lambda _=None: RequestContext(0.0))


def break_writers(_registry: Registry, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("service.api.responses.write", fail)
    patch.setattr("service.v2.infer.write_answer", fail)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (fill_queues, b"429"),
        (break_models, b"500"),
        (stop_models, b"503"),
        (end_deadlines, b"504"),
        (break_writers, b"500"),
    ],
)
def test_in_trouble_they_are_answered_alike(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None], status: bytes
) -> None:
    app, path = build(registry)
    trouble(registry, monkeypatch)
    assert compare(app, path, {})[status] > 50


def test_before_models_are_loaded_they_are_answered_alike(registry: Registry) -> None:
    app, path = build(registry)
    del app.api.state.registry
    assert compare(app, path, {})[b"503"] > 150
