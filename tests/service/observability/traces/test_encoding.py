"""What we write is what OpenTelemetry's own encoder writes of the same span."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from service.observability.traces import encoding

TRACE, SPAN, PARENT = bytes(range(16)), bytes(range(16, 24)), bytes(range(32, 40))
BEGUN, ENDED = 1_700_000_000_123_456_789, 1_700_000_000_223_456_789
VALUES: dict[str, Any] = {
    "text": "a",
    "empty": "",
    "long": "x" * 300,
    "no ascii": "ä€😀",
    "zero": 0,
    "one": 1,
    "edge": 127,
    "over": 128,
    "large": 2**40 + 3,
}


def name_context(span: bytes, *, remote: bool = False) -> SpanContext:
    return SpanContext(int.from_bytes(TRACE), int.from_bytes(span), remote, TraceFlags(1))


@pytest.mark.parametrize("failed", [True, False])
@pytest.mark.parametrize("parent", ["none", "ours", "remote"])
def test_a_span_is_encoded_as_by_its_makers(parent: str, failed: bool) -> None:
    resource, scope = Resource({"service.name": "it"}), InstrumentationScope("service", "1")
    known = None if parent == "none" else name_context(PARENT, remote=parent == "remote")
    span = ReadableSpan(
        "GET /a",
        name_context(SPAN),
        known,
        resource,
        VALUES | {"many": ["one"]},
        kind=SpanKind.SERVER,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        start_time=BEGUN,
        end_time=ENDED,
        instrumentation_scope=scope,
    )
    expected = encode_spans([span, span])
    (group,) = expected.resource_spans
    ours = encoding.write_span(
        (TRACE, SPAN, b"" if known is None else PARENT),
        BEGUN,
        ENDED,
        [
            encoding.write_constant("GET /a", encoding.SERVER, tuple(VALUES.items()), failed),
            encoding.write_list(encoding.write_name("many"), "one"),
        ],
        is_remote=parent == "remote",
    )
    written = encoding.write_request(
        group.resource.SerializeToString(), group.scope_spans[0].scope.SerializeToString(), [ours, ours]
    )
    found = ExportTraceServiceRequest.FromString(written)
    for each in group.scope_spans[0].spans:
        each.flags |= encoding.SAMPLED  # which theirs leave out
        if not failed:
            each.ClearField("status")  # nothing said is unset
    assert found == expected


def test_values_that_come_again_are_cut_and_the_rest_is_theirs() -> None:
    assert encoding.write_frequent("a", "x" * 300) == encoding.write_attribute("a", "x" * 256)


@pytest.mark.parametrize("size", [0, 1, encoding.SHORT - 1, encoding.SHORT, 127, 128, 300])
@pytest.mark.parametrize("name", ["a", "n" * 45, "n" * 200])
def test_a_list_of_any_size_is_one(name: str, size: int) -> None:
    written = encoding.write_list(encoding.write_name(name), "v" * size)
    span = Span.FromString(written)
    assert [entry.key for entry in span.attributes] == [name]
    assert [value.string_value for value in span.attributes[0].value.array_value.values] == ["v" * size]


def test_a_part_is_a_span_within_its_request() -> None:
    (span,) = ScopeSpans.FromString(
        encoding.PartWriter("queue").write(TRACE, SPAN, PARENT, BEGUN, ENDED)
    ).spans
    rest = encoding.write_constant("queue", encoding.INTERNAL, (), False)
    whole = encoding.write_span((TRACE, SPAN, PARENT), BEGUN, ENDED, [rest])
    assert [span] == list(ScopeSpans.FromString(whole).spans)
    assert (span.trace_id, span.span_id, span.parent_span_id, span.name) == (TRACE, SPAN, PARENT, "queue")


def test_half_of_a_pair_does_not_break_a_span() -> None:
    assert b"?" in encoding.write_attribute("a", "\ud800")
