"""Requests as spans, over the fast path and over ASGI: the same spans must come of the same requests."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans

from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.inference.registry import Registry
from service.observability.traces.context import Sampler
from service.observability.traces.spans import KEPT_BYTES, RequestSpans, _keep_client
from service.observability.traces.start import Tracing
from service.server.app import Application, create_app, create_fast_path
from tests.service.observability.test_reports import REQUESTS, TRACEPARENT, VECTORS, ask, write
from tests.service.observability.traces.sink import read_attributes
from tests.service.wire import connect, play_for_real

SETTINGS = Settings(cache_bytes=0)
INTERNAL, SERVER, UNSET, ERROR = 1, 2, 0, 2


class Spans:
    """An application whose requests are recorded, and their spans."""

    def __init__(self, registry: Registry, sampler: Sampler | None = None, **options: Any) -> None:
        self.sent: list[bytes] = []
        spans = RequestSpans(sampler or Sampler(), self.sent.append, **options)
        export: Any = None
        self.app: Application = create_app(SETTINGS, registry, Tracing(spans, export))
        self.app.api.state.registry = registry
        self.path: FastPath | None = create_fast_path(SETTINGS, self.app.direct)

    def ask(self, content: bytes, *, fast: bool = True, times: int = 1) -> bytes:
        return ask(self.app, self.path if fast else None, content, times)

    def read(self) -> list[Any]:
        return [span for content in self.sent for span in ScopeSpans.FromString(content).spans]


@pytest.fixture
def spans(registry: Registry) -> Spans:
    return Spans(registry)


def tell(span: Any) -> tuple[Any, ...]:
    """What is the same each time."""
    attributes = {
        key: value
        for key, value in read_attributes(span).items()
        if not key.startswith("http.response.header")
    }
    return span.name, span.kind, attributes, span.status.code, span.flags


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_record_the_same_spans(spans: Spans, name: str) -> None:
    spans.ask(REQUESTS[name])
    fast, spans.sent[:] = spans.read(), []
    spans.ask(REQUESTS[name], fast=False)
    usual = spans.read()
    assert [tell(span) for span in fast] == [tell(span) for span in usual]
    assert fast[0].kind == SERVER
    assert len({span.span_id for span in fast}) == len(fast)
    assert "secret" not in str(fast)


def test_a_span_has_the_attributes_of_the_conventions(spans: Spans) -> None:
    head = "content-type: application/json", "user-agent: me/1", "x-request-id: mine", "host: a.example:8080"
    content = write("POST /decode", *head, body=VECTORS).replace(b"host: a\r\n", b"")
    answer = spans.ask(content)
    span = spans.read()[0]
    attributes = read_attributes(span)
    assert span.name == "POST /decode"
    assert f"cvae-model: {attributes.pop('cvae.model')}\r\n".encode() in answer
    assert attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/decode",
        "url.path": "/decode",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": "a.example",
        "server.port": 8080,
        "user_agent.original": "me/1",
        "http.request.body.size": len(VECTORS),
        "http.response.body.size": len(answer.partition(b"\r\n\r\n")[2]),
        "http.response.header.x-request-id": ["mine"],
        "cvae.rows": 2,
    }


def test_the_parts_of_a_request_lie_one_after_the_other_in_it(spans: Spans) -> None:
    answer = spans.ask(write("GET /decode.png?z=0,0"))
    request, encode, inference, queue = spans.read()
    assert [span.name for span in (queue, inference, encode)] == ["queue", "inference", "encode"]
    for part in (queue, inference, encode):
        assert (part.trace_id, part.parent_span_id) == (request.trace_id, request.span_id)
        assert part.kind == INTERNAL
    assert encode.end_time_unix_nano == request.end_time_unix_nano
    assert inference.end_time_unix_nano == encode.start_time_unix_nano
    assert queue.end_time_unix_nano == inference.start_time_unix_nano
    assert queue.start_time_unix_nano >= request.start_time_unix_nano
    for part in (queue, inference, encode):
        took_ms = (part.end_time_unix_nano - part.start_time_unix_nano) / 1e6
        assert f"{part.name};dur={took_ms:.2f}".encode() in answer or f"{part.name};dur=".encode() in answer
        shown = float(answer.split(f"{part.name};dur=".encode())[1].replace(b"\r", b",").split(b",")[0])
        assert took_ms == pytest.approx(shown, abs=0.002)


def test_a_request_of_a_trace_is_a_part_of_it(spans: Spans) -> None:
    spans.ask(write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT}", "tracestate: a=1"))
    request = spans.read()[0]
    assert f"00-{request.trace_id.hex()}-{request.parent_span_id.hex()}-01" == TRACEPARENT
    assert request.trace_state == "a=1"
    assert request.flags == 0x301  # sampled, and its parent another process's


def test_a_state_that_is_no_text_is_left_out(spans: Spans) -> None:
    """Others' spans are sent in the same message, which may hold text alone."""
    head = write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT}", "tracestate: a=?")
    spans.ask(head.replace(b"a=?", b"a=\xff"))
    assert spans.read()[0].trace_state == ""


def test_a_request_of_no_trace_begins_one(spans: Spans) -> None:
    spans.ask(write("GET /health/live", "traceparent: 00-nothing", "tracestate: a=1"))
    (request,) = spans.read()
    assert (request.parent_span_id, request.trace_state, request.flags) == (b"", "", 0x101)


@pytest.mark.parametrize("fast", [True, False])
def test_what_a_client_does_not_record_is_not_recorded(spans: Spans, fast: bool) -> None:
    spans.ask(write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT[:-1]}0"), fast=fast)
    spans.ask(write("GET /nothing", f"traceparent: {TRACEPARENT[:-1]}0"), fast=fast)
    assert spans.sent == []


def test_the_sampler_and_propagators_are_heeded(registry: Registry) -> None:
    none = Spans(registry, Sampler(0))
    none.ask(write("GET /decode.png?z=0,0"))
    assert none.sent == []
    none.ask(write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT}"))
    assert len(none.sent) == 1
    alone = Spans(registry, heeds_traceparent=False)
    alone.ask(write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT}"))
    assert alone.read()[0].parent_span_id == b""


@pytest.mark.parametrize("fast", [True, False])
def test_a_refusal_is_no_failure_of_ours_and_a_failure_is(
    spans: Spans, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans.ask(write("GET /decode.png?z=x"), fast=fast)
    monkeypatch.setitem(spans.app.api.state._state, "registry", object())
    spans.ask(write("GET /decode.png?z=0,0"), fast=fast)
    refused, failed = spans.read()
    assert read_attributes(refused)["http.response.status_code"] == 422
    assert refused.status.code == UNSET
    assert "error.type" not in read_attributes(refused)
    assert read_attributes(failed)["http.response.status_code"] == 500
    assert failed.status.code == ERROR
    assert read_attributes(failed)["error.type"] == "AttributeError"


def test_each_replayed_head_has_its_span(spans: Spans) -> None:
    spans.ask(write("GET /decode.png?z=0,0"), times=3)
    assert spans.path is not None
    assert len(spans.path.heads._gets) == 1
    requests = [span for span in spans.read() if span.kind == SERVER]
    assert len({span.trace_id for span in requests}) == 3


def test_a_traced_client_s_head_is_replayed_with_its_own_parent(spans: Spans) -> None:
    parents = [f"{number:016x}" for number in range(1, 5)]

    async def scene() -> None:
        connection = connect(spans.app, spans.path)
        for i, parent in enumerate(parents):
            line = f"traceparent: {TRACEPARENT[:36]}{parent}-01"
            await connection.send(write("GET /decode.png?z=0,0", line))
            await connection.read(i + 1)

    play_for_real(scene)
    assert spans.path is not None
    assert len(spans.path.heads._gets) == 1
    found = [span.parent_span_id.hex() for span in spans.read() if span.kind == SERVER]
    assert found == parents


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a", ("a", None)),
        ("a:81", ("a", 81)),
        ("[::1]:80", ("::1", 80)),
        ("[::1]", ("::1", None)),
        ("a:b:c", (None, None)),
    ],
)
def test_the_host_is_an_address_and_a_port(
    spans: Spans, host: str, expected: tuple[str | None, int | None]
) -> None:
    spans.ask(write("GET /health/live").replace(b"host: a", b"host: " + host.encode()))
    attributes = read_attributes(spans.read()[0])
    assert (attributes.get("server.address"), attributes.get("server.port")) == expected


def test_what_a_client_writes_is_bounded(spans: Spans) -> None:
    content = write("GET /" + "a" * 5000, "user-agent: " + "b" * 5000)
    spans.ask(content.replace(b"host: a", b"host: " + b"c" * 5000))
    assert len(spans.sent[0]) < 2000


@pytest.mark.parametrize("fast", [True, False])
def test_of_what_a_proxy_names_no_long_text_is_remembered(spans: Spans, fast: bool) -> None:
    _keep_client.cache_clear()
    named = "x" * 60_000

    async def scene() -> None:
        connection = connect(spans.app, spans.path if fast else None)
        for n in range(3):
            connection.protocol.client = (named + str(n), 7)
            await connection.send(REQUESTS["a picture"])
            await connection.read(n + 1)

    play_for_real(scene)
    found = [read_attributes(span)["client.address"] for span in spans.read() if span.kind == SERVER]
    assert found == 3 * ["x" * KEPT_BYTES]
    assert _keep_client.cache_info().currsize == 1
