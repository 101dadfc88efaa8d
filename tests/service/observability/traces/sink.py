"""A collector of OpenTelemetry's for tests: it takes spans by OTLP over HTTP and keeps them."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

DEADLINE_S = 30
SERVER = 2


class Collector:
    """Spans, as they came, each with its resource."""

    def __init__(self) -> None:
        self.spans: list[tuple[dict[str, Any], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.address = ""

    def take(self, path: str, headers: dict[str, str], content: bytes) -> None:
        assert path == "/v1/traces"
        assert headers["content-type"] == "application/x-protobuf"
        if headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        self.headers.append(headers)
        for group in ExportTraceServiceRequest.FromString(content).resource_spans:
            resource = read_attributes(group.resource)
            for scope in group.scope_spans:
                assert scope.scope.name == "service"
                self.spans += [(resource, span) for span in scope.spans]

    @property
    def requests(self) -> list[Any]:
        """The spans of requests, in the order in which they began."""
        found = [span for _, span in self.spans if span.kind == SERVER]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def wait(self, count: int) -> list[Any]:
        """The spans of requests, once there are so many."""
        end = time.monotonic() + DEADLINE_S
        while len(self.requests) < count and time.monotonic() < end:
            time.sleep(0.01)
        return self.requests


def read_attributes(owner: Any) -> dict[str, Any]:
    """The attributes of a span or a resource."""
    return {entry.key: read_value(entry.value) for entry in owner.attributes}


def read_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [read_value(each) for each in value.array_value.values]
    return getattr(value, kind)


@contextlib.contextmanager
def collect() -> Iterator[Collector]:
    """Run a collector on a free port of this machine."""
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            if collector.status == 200:
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.take(self.path, headers, content)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
