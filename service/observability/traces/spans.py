"""Record requests as spans: one of the request, and within it one each of queue, inference and encoding.

The times are those of the metrics and of `Server-Timing`; nothing is measured for traces. Of the three parts
it is known how long they took, not when they began: they are shown one after the other, up to the end.
"""

from __future__ import annotations

import functools
import random
import re
import time
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from service.observability.exchange import FAILURE, Exchange
from service.observability.metrics import CALL, NO_ROUTE, Timings, find_route
from service.observability.traces import encoding
from service.observability.traces.context import TRACE, Sampler, Trace, find_parent
from service.observability.traces.encoding import write_attribute, write_frequent

FAILED = 500
METHODS = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"}
OTHER = "_OTHER"
KEPT, KEPT_BYTES, TRACE_STATE = 256, 256, 3
# A name or an address, and a port.
HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?")
PARTS = [encoding.PartWriter(name).write for name in ("encode", "inference", "queue")]
REQUEST_ID = encoding.write_name("http.response.header.x-request-id")


class RequestSpans:
    """Records requests as spans, those that the sampler takes."""

    def __init__(
        self, sampler: Sampler, emit: Callable[[bytes], None], *, heeds_traceparent: bool = True
    ) -> None:
        """Store what decides, and who takes the spans.

        Args:
            sampler: Decides which requests are recorded.
            emit: Takes the spans of a request, from `encoding.write_span`, and never waits.
            heeds_traceparent: Whether requests may be part of their clients' traces.
        """
        self._sampler = sampler
        self._emit = emit
        self._heeds_traceparent = heeds_traceparent

    def begin(self, scope: MutableMapping[str, Any]) -> Trace | None:
        """Return the place of a request in its trace, or None if it is not recorded; decided once."""
        trace: Trace | None
        if TRACE in scope:
            trace = scope[TRACE]
        else:
            parent = find_parent(scope["headers"]) if self._heeds_traceparent else None
            trace = scope[TRACE] = self._sampler.begin(parent)
        return trace

    def end(self, scope: MutableMapping[str, Any], status: int, seconds: float, exchange: Exchange) -> None:
        """Record a request that has a place in a trace.

        Args:
            scope: The request's.
            status: Of the answer.
            seconds: From its head to the end of its answer.
            exchange: What went to and fro.
        """
        trace: Trace = scope[TRACE]
        ended_ns = time.time_ns()
        begun_ns = ended_ns - int(seconds * 1e9)
        call: Timings | None = scope.get(CALL)
        kind = scope["http_version"], scope.get("scheme", "http"), scope.get(FAILURE)
        fields = [
            _describe_kind(find_route(scope), exchange.method, status, *kind),
            *_describe_client(scope, bool(trace[2])),
            *_describe_exchange(scope, exchange),
        ]
        if call is not None and call.rows:
            fields.append(write_frequent("cvae.rows", call.rows))
        spans = [encoding.write_span(trace, begun_ns, ended_ns, fields, is_remote=bool(trace[2]))]
        if call is not None:
            _add_parts(spans, trace, call, begun_ns, ended_ns)
        self._emit(b"".join(spans))


def _add_parts(spans: list[bytes], trace: Trace, call: Timings, begun_ns: int, ended_ns: int) -> None:
    drawn = random.getrandbits(192).to_bytes(24)
    first = 0
    # From the last to the first, each up to the start of the one behind it.
    for write, seconds in zip(PARTS, (call.encode_s, call.inference_s, call.queue_s), strict=True):
        if seconds > 0:
            start_ns = ended_ns - int(seconds * 1e9)
            if start_ns < begun_ns:  # `max` takes longer
                start_ns = begun_ns
            spans.append(write(trace[0], drawn[first : first + 8], trace[1], start_ns, ended_ns))
            ended_ns = start_ns
        first += 8


@functools.lru_cache(encoding.KEPT)
def _describe_kind(
    route: str, method: str, status: int, version: str, scheme: str, failure: str | None
) -> bytes:
    """Return what all requests of a kind have in common."""
    known = method if method in METHODS else OTHER
    attributes: list[tuple[str, encoding.Value]] = [
        ("http.request.method", known),
        ("http.response.status_code", status),
        ("network.protocol.version", version),
        ("url.scheme", scheme),
    ]
    name = "HTTP" if known == OTHER else known
    if route != NO_ROUTE:
        attributes.append(("http.route", route))
        name = f"{name} {route}"
    is_error = failure is not None or status >= FAILED
    if is_error:
        attributes.append(("error.type", failure or str(status)))
    return encoding.write_constant(name, encoding.SERVER, attributes, is_error)


def _describe_client(scope: MutableMapping[str, Any], continues: bool) -> Sequence[bytes]:
    host = agent = state = b""
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"user-agent":
            agent = value
        elif name == b"tracestate" and continues and value.isascii():
            state = encoding.write_field(TRACE_STATE, value[:KEPT_BYTES])
    client = scope.get("client")
    address = client and client[0][:KEPT_BYTES]
    return _keep_client(address, host[:KEPT_BYTES], agent[:KEPT_BYTES]), state


@functools.lru_cache(KEPT)
def _keep_client(client: str | None, host: bytes, agent: bytes) -> bytes:
    known = b"" if client is None else write_attribute("client.address", client)
    if agent:
        known += write_attribute("user_agent.original", str(agent, "latin-1"))
    return known + _describe_host(host)


def _describe_exchange(scope: MutableMapping[str, Any], exchange: Exchange) -> list[bytes]:
    fields = [
        write_frequent("url.path", scope["path"]),
        write_frequent("http.request.body.size", exchange.received_bytes),
        write_frequent("http.response.body.size", exchange.sent_bytes),
    ]
    if request_id := scope.get("state", {}).get("request_id"):
        fields.append(encoding.write_list(REQUEST_ID, request_id))
    if model := exchange.model:
        fields.append(write_frequent("cvae.model", model))
    return fields


def _describe_host(value: bytes) -> bytes:
    found = HOST.fullmatch(str(value, "latin-1"))
    if found is None:
        return b""
    port = write_attribute("server.port", int(found[2])) if found[2] else b""
    return write_attribute("server.address", found[1].strip("[]")) + port
