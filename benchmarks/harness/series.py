"""Asks a series of requests that all differ: at rest, for references, and then under load."""

from __future__ import annotations

import dataclasses
import http.client
import pathlib
import socket
from collections.abc import Iterable, Sequence

from benchmarks.harness.answers import Answer
from benchmarks.harness.load import Load, run_wrk

SCRIPT = pathlib.Path(__file__).with_name("series.lua")
TIMEOUT_S = 30
# A PNG's signature and header, and its last chunk: all that is known of one whose pixels differ each time.
HEAD_BYTES, TAIL_BYTES = 33, 12


@dataclasses.dataclass(frozen=True)
class Request:
    """A request of HTTP.

    Attributes:
        method: GET or POST.
        target: Path and query.
        body: To post; empty for a GET.
        headers: Beside `Host` and `Content-Length`.
    """

    method: str
    target: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """Return what is sent; the same to each server, whatever its port."""
        fields = [("Host", "localhost"), *self.headers]
        if self.body:
            fields.append(("Content-Length", str(len(self.body))))
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join((*lines, "\r\n")).encode() + self.body


@dataclasses.dataclass(frozen=True)
class Series:
    """Requests and their answers, in files that wrk can read.

    Attributes:
        requests: File of them.
        answers: File of the bodies that they get, in the same order.
        status: Of each answer.
        media_type: Of each answer; empty: it has none.
        varies: Whether all but the start and the end of an answer differs each time.
    """

    requests: pathlib.Path
    answers: pathlib.Path
    status: int
    media_type: str
    varies: bool = False


def ask_each(port: int, requests: Iterable[Request]) -> list[Answer]:
    """Send requests one after the other, on one connection.

    Args:
        port: Of the server.
        requests: To send.

    Returns:
        The answer to each, of any status.

    Raises:
        OSError: There is none.
        http.client.HTTPException: It is not whole.
    """
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return [_exchange(connection, request) for request in requests]


def _exchange(connection: socket.socket, request: Request) -> Answer:
    connection.sendall(request.to_bytes())
    with http.client.HTTPResponse(connection, method=request.method) as response:
        response.begin()
        body, headers = response.read(), response.headers
        return Answer(
            response.status, body, headers.get("etag", ""), media_type=headers.get("content-type", "")
        )


def write_series(
    folder: pathlib.Path, requests: Sequence[Request], answers: Sequence[Answer], varies: bool = False
) -> Series:
    """Write requests and their answers to files.

    Args:
        folder: Of the files; made if need be.
        requests: To send in turn.
        answers: What each must get, all of one status and media type.
        varies: Whether all but the start and the end of an answer differs each time.

    Returns:
        The series.

    Raises:
        ValueError: The answers differ in more than their bodies.
    """
    kinds = {(answer.status, answer.media_type) for answer in answers}
    if len(kinds) != 1:
        raise ValueError(f"expected answers of one status and media type, received {sorted(kinds)}")
    ((status, media_type),) = kinds
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "requests", folder / "answers"
    files[0].write_bytes(_join(request.to_bytes() for request in requests))
    files[1].write_bytes(_join(answer.body for answer in answers))
    return Series(*files, status, media_type, varies)


def _join(records: Iterable[bytes]) -> bytes:
    return b"".join(b"%d\n%b" % (len(record), record) for record in records)


def run_series(port: int, series: Series, connections: int, seconds: float) -> Load:
    """Send the requests of a series over and over.

    wrk does not say which request an answer belongs to. So each must be one of the references, to the byte,
    and each reference must come as often as its request was sent, but for those under way at the end.

    Args:
        port: Of the server.
        series: To send.
        connections: Requests under way at once.
        seconds: For so long; wrk rounds to whole ones.

    Returns:
        What was seen.

    Raises:
        LoadError: wrk failed, or an answer was none of the references.
    """
    head, tail = (HEAD_BYTES, TAIL_BYTES) if series.varies else (0, 0)
    variables = {
        "REQUESTS": str(series.requests),
        "ANSWERS": str(series.answers),
        "STATUS": str(series.status),
        "MEDIA_TYPE": series.media_type,
        "HEAD": str(head),
        "TAIL": str(tail),
        "CONNECTIONS": str(connections),
    }
    return run_wrk(f"http://127.0.0.1:{port}/", SCRIPT, variables, connections, seconds)
