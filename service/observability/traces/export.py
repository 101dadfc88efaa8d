"""Send spans away by OTLP over HTTP, with OpenTelemetry's own queue, exporter and resource.

The only module that loads them. Their queue is bounded and sends from a thread of its own: what a collector
that is down or slow cannot take is dropped there, and requests never wait.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from service import __version__
from service.observability.traces.encoding import write_request

SERVICE = "cvae-service"
UNNAMED = "unknown_service"


class EncodedSpans:
    """The spans of one request, encoded; to the queue, a span that is sampled."""

    __slots__ = ("content",)
    context = SpanContext(1, 1, False, TraceFlags(TraceFlags.SAMPLED))

    def __init__(self, content: bytes) -> None:
        self.content = content


class EncodedSpanExporter(OTLPSpanExporter):
    """OpenTelemetry's exporter, for spans that are encoded already."""

    def __init__(self, resource: Resource) -> None:
        """Read where to send from the environment.

        Args:
            resource: Who recorded the spans.
        """
        super().__init__()
        scope = InstrumentationScope("service", __version__)
        # The SDK's own encoding of what is the same each time.
        span = ReadableSpan("", EncodedSpans.context, resource=resource, instrumentation_scope=scope)
        (encoded,) = encode_spans([span]).resource_spans
        self._resource = encoded.resource.SerializeToString()
        self._scope = encoded.scope_spans[0].scope.SerializeToString()

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """Send the spans of some requests."""
        content = write_request(self._resource, self._scope, [each.content for each in spans])
        is_sent = self._client.export(content).success
        return SpanExportResult.SUCCESS if is_sent else SpanExportResult.FAILURE


class Export:
    """The queue of spans of this process, and the thread that sends them."""

    def __init__(self) -> None:
        """Start the thread; the environment says where to send, and how much may wait."""
        self._processor = BatchSpanProcessor(EncodedSpanExporter(describe_process()))

    def emit(self, content: bytes) -> None:
        """Queue the spans of a request; the oldest are dropped if there is no room."""
        self._processor.on_end(EncodedSpans(content))  # type: ignore[arg-type]

    def close(self, timeout_s: float) -> None:
        """Send what waits, and end the thread; what cannot be sent by then is dropped."""
        ending = threading.Thread(target=self._processor.shutdown, daemon=True)
        ending.start()
        ending.join(timeout_s)


def describe_process() -> Resource:
    """Return who records spans; what `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say comes first."""
    said = dict(Resource.create().attributes)
    if str(said["service.name"]).startswith(UNNAMED):
        del said["service.name"]
    own: dict[str, Any] = {
        "service.name": SERVICE,
        "service.version": __version__,
        "service.instance.id": str(uuid.uuid4()),
        "process.pid": os.getpid(),
    }
    return Resource(own | said)
