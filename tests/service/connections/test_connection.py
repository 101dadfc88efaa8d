"""What a connection does with whatever clients send, with the fast path and without."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from typing import Any

import pytest

from service.connections.connection import PIECE_BYTES
from service.connections.heads import complete_target
from service.connections.limits import LINGER_S, SocketLimits
from service.fastpath.handler import FastPath
from service.inference.registry import Registry
from service.server.app import Application, create_app, create_fast_path
from tests.service.wire import connect, listen, play, play_for_real

BODY = b'{"z":[0.5,-1.0]}'
LIVE = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n"
PICTURE = b"GET /decode.png?z=1,1 HTTP/1.1\r\nhost: a\r\n\r\n"
KNOWN = b"GET /decode.png?z=1,1 HTTP/1.1\r\nhost: a\r\nif-none-match: *\r\n\r\n"
SLOW = b"GET /interpolate.zip?from=digit:3&to=digit:4&steps=200 HTTP/%b\r\nhost: a\r\n\r\n"


@pytest.fixture(scope="module")
def app(registry: Registry) -> Application:
    app = create_app(registry.settings.model_copy(update={"cache_bytes": 0}), registry)
    app.api.state.registry = registry
    return app


@pytest.fixture(scope="module")
def fast(registry: Registry, app: Application) -> FastPath:
    fast = create_fast_path(registry.settings, app.direct)
    assert fast is not None
    return fast


@pytest.fixture(params=["fast", "asgi"])
def path(request: pytest.FixtureRequest, fast: FastPath) -> FastPath | None:
    return fast if request.param == "fast" else None


def post(*headers: bytes, body: bytes = BODY) -> bytes:
    lines = [b"POST /decode HTTP/1.1", b"host: a", b"content-type: application/json", *headers]
    return b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body])


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3}) ", answers)]


def exchange(app: Any, path: FastPath | None, *pieces: bytes, half_close: bool = False) -> bytes:
    """Send pieces over a real connection; all that comes back until the server closes it."""

    async def scene() -> bytes:
        async with listen(app, path) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.01)
            if half_close:
                writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer

    answer: bytes = play_for_real(scene)
    return answer


def refused(answer: bytes) -> tuple[int, dict[str, Any]]:
    """The last answer: a problem, with which the connection ends."""
    head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    assert b"\r\ncontent-type: application/problem+json\r\n" in head
    assert head.endswith(b"\r\nconnection: close")
    problem = json.loads(body)
    assert re.search(rb"\r\nx-request-id: (\w+)", head)[1].decode() == problem["request_id"]  # type: ignore[index]
    return problem["status"], problem


@pytest.mark.parametrize(
    ("head", "status", "field"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Host"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", 400, "Host"),
        (b"GET /?" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, "URL"),
        (b"GET /?" + b"a" * 9_000_000, 414, "URL"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", 431, "headers"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 9_000_000, 431, "headers"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"a: b\r\n" * 1_000_000, 431, "headers"),
        (b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", 405, "method"),
        (b"garbage\r\n\r\n", 400, "request"),
        (b"GET /\xe9 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "request"),
        (b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", 400, "request"),
        (post(b"transfer-encoding: chunked").replace(b"content-length: 16\r\n", b""), 400, "request"),
    ],
)
def test_what_is_no_request_is_refused_in_words(
    app: Application, path: FastPath | None, head: bytes, status: int, field: str
) -> None:
    found, problem = refused(exchange(app, path, head))
    assert (found, problem["errors"][0]["field"]) == (status, field)


def test_below_the_protocol_a_refusal_is_in_its_words(app: Application) -> None:
    answer = exchange(app, None, b"GET /v2 HTTP/1.1\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
        "error": "Host: expected one such header, received none"
    }


def test_the_largest_head_is_read(app: Application, path: FastPath | None) -> None:
    limits = SocketLimits(max_head_bytes=2000)
    filler = b"a" * (2000 - len(b"/health/live") - len(b"hosta") - len(b"x") - 8)

    async def scene(extra: bytes) -> bytes:
        connection = connect(app, path, limits=limits)
        await connection.send(LIVE[:-2] + b"x: " + filler + extra + b"\r\n\r\n")
        await asyncio.sleep(0.05)
        return connection.transport.sent

    assert statuses(play(lambda: scene(b""))) == [200]
    assert statuses(play(lambda: scene(b"a"))) == [431]


@pytest.mark.parametrize("first", [LIVE, PICTURE, KNOWN, post()])
def test_what_came_before_a_fault_is_answered_first(
    app: Application, path: FastPath | None, first: bytes
) -> None:
    answer = exchange(app, path, first + b"garbage\r\n\r\n")
    assert statuses(answer) == [304 if first is KNOWN else 200, 400]
    assert refused(answer)[0] == 400


def test_a_body_that_breaks_takes_only_its_own_request_along(app: Application, path: FastPath | None) -> None:
    broken = b"POST /decode HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n"
    assert statuses(exchange(app, path, LIVE + PICTURE + broken)) == [200, 200, 400]
    assert statuses(exchange(app, path, broken)) == [400]


@pytest.mark.parametrize("request_", [KNOWN, PICTURE, LIVE])
@pytest.mark.parametrize("first", [KNOWN, PICTURE])
def test_hundreds_of_pipelined_requests_are_answered(
    app: Application, path: FastPath | None, first: bytes, request_: bytes
) -> None:
    n = 600
    answer = exchange(app, path, first + request_ * n, half_close=True)
    found = [status for status in statuses(answer) if status != 100]
    assert found == [304 if first is KNOWN else 200] + [304 if request_ is KNOWN else 200] * n


def test_a_pipelined_body_that_comes_later_is_waited_for(app: Application, path: FastPath | None) -> None:
    large = BODY + b" " * (4 * PIECE_BYTES)
    stream = post() + post(body=large) + post(body=large) + PICTURE
    answers = exchange(app, path, stream[:-5], stream[-5:], half_close=True)
    assert [status for status in statuses(answers) if status != 100] == [200] * 4


def test_while_requests_wait_no_more_are_parsed(app: Application) -> None:
    async def scene() -> None:
        connection = connect(app, None)
        connection.protocol.data_received(LIVE * 20_000)
        assert len(connection.protocol.pipeline) <= PIECE_BYTES // len(LIVE) + 1
        assert connection.protocol.flow.held
        connection.protocol.data_received(LIVE * 20_000)
        assert len(connection.protocol.pipeline) <= PIECE_BYTES // len(LIVE) + 1

    play(scene)


def test_a_connection_that_ends_reads_what_it_held_back_and_ends_once(app: Application) -> None:
    async def scene() -> None:
        connection = connect(app, None)
        connection.protocol.data_received(LIVE * 20_000)
        assert connection.protocol.flow.held
        connection.protocol.end()
        assert connection.transport.half_closed
        assert not connection.protocol.flow.held
        connection.transport.half_closed = False
        connection.protocol.end()
        assert not connection.transport.half_closed
        assert not connection.transport.closed

    play(scene)


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"other/2.0"])
def test_an_offered_protocol_is_declined_and_the_body_read(
    app: Application, path: FastPath | None, upgrade: bytes
) -> None:
    headers = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: " + upgrade, b"http2-settings: AAMAAABk")
    whole = post(*headers)
    plain = exchange(app, path, post(), half_close=True)
    answers = exchange(app, path, whole + whole, half_close=True)
    assert [status for status in statuses(answers) if status != 100] == [200, 200]
    assert answers.endswith(plain.partition(b"\x89PNG")[2])
    for cut in (10, whole.index(b"\r\n\r\n") + 4, len(whole) - 3):
        assert statuses(exchange(app, path, whole[:cut], whole[cut:], b"x\r\n\r\n"))[0] == 200


def test_what_comes_behind_an_offer_is_refused_in_its_own_words(
    app: Application, path: FastPath | None
) -> None:
    offer = b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    answers = exchange(app, path, offer + b"GET /health/live HTTP/1.1\r\n\r\n")
    assert statuses(answers) == [200, 400]
    assert b"Host: expected one such header" in answers


def test_http_1_0_that_offers_a_protocol_stays_what_it_is(app: Application, path: FastPath | None) -> None:
    head = SLOW.replace(b"host: a\r\n", b"connection: upgrade\r\nupgrade: h2c\r\n") % b"1.0"
    answer = exchange(app, path, head)
    assert statuses(answer) == [200]
    assert b"chunked" not in answer.partition(b"\r\n\r\n")[0].lower()


def test_http_1_0_gets_no_interim_answer(app: Application, path: FastPath | None) -> None:
    request = post(b"expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0")
    head, end, body = request.partition(b"\r\n\r\n")
    assert statuses(exchange(app, path, head + end, body)) == [200]


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
def test_another_version_is_named(app: Application, path: FastPath | None, version: bytes) -> None:
    answer = exchange(app, path, b"GET /health/live HTTP/%b\r\nhost: a\r\n\r\n" % version)
    assert statuses(answer) == [505]
    assert version in answer


def test_lines_behind_chunks_are_no_headers(app: Application, path: FastPath | None) -> None:
    head = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n"
    chunks = b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    late = b"content-type: text/html\r\nhost: b\r\nx-request-timeout-ms: none\r\n\r\n"
    assert statuses(exchange(app, path, head + chunks + late)) == [200]


@pytest.mark.parametrize("start", [b"0\r\nx: ", b"0\r\n", b"1;"])
def test_no_line_of_chunks_is_read_without_end(app: Application, path: FastPath | None, start: bytes) -> None:
    head = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    chunks = b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n" + start
    limit = SocketLimits().max_head_bytes
    answer = exchange(app, path, head + chunks, *[b"a" * PIECE_BYTES] * (2 * limit // PIECE_BYTES + 1))
    assert statuses(answer) == [431]


def test_http_1_0_gets_no_chunks(app: Application, path: FastPath | None) -> None:
    old, new = (exchange(app, path, SLOW % version, half_close=True) for version in (b"1.0", b"1.1"))
    assert b"chunked" not in old
    assert b"transfer-encoding: chunked" in new
    body = old.partition(b"\r\n\r\n")[2]
    assert body.startswith(b"PK")
    assert body.count(b"PK\x01\x02") == 200
    assert exchange(app, path, LIVE.replace(b"1.1", b"1.0")).endswith(b'{"status":"live"}')


@pytest.mark.parametrize("request_", [PICTURE, SLOW % b"1.1", post(), LIVE])
def test_a_client_that_has_sent_all_gets_its_answer(
    app: Application, path: FastPath | None, request_: bytes
) -> None:
    answer = exchange(app, path, request_, half_close=True)
    assert statuses(answer)[-1] == 200
    assert answer.endswith((b"IEND\xaeB`\x82", b"0\r\n\r\n", b'{"status":"live"}'))


def test_half_a_request_is_not_waited_for(app: Application, path: FastPath | None) -> None:
    assert exchange(app, path, post()[:-3], half_close=True) == b""
    assert exchange(app, path, post()[:30], half_close=True) == b""


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_a_client_that_goes_takes_its_request_along(how: str) -> None:
    gone = asyncio.Event()

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    async def scene() -> None:
        async with listen(app) as (port, _):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(LIVE)
            await asyncio.sleep(0.05)
            assert not gone.is_set()
            if how == "resets":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            await asyncio.wait_for(gone.wait(), 2)

    play_for_real(scene)


def test_who_goes_is_told_to_the_request_that_is_answered_though_others_wait() -> None:
    gone: list[str] = []

    async def app(scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.append(scope["path"])

    async def scene() -> None:
        connection = connect(app, None)
        await connection.send(LIVE + PICTURE)
        connection.protocol.connection_lost(None)
        while not gone:
            await asyncio.sleep(0)
        assert gone == ["/health/live"]

    play(scene)


def test_a_refusal_arrives_though_the_client_still_sends(app: Application) -> None:
    async def scene() -> bytes:
        async with listen(app) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"garbage\r\n\r\n")
            for _ in range(50):
                writer.write(b"x" * 100_000)
                await asyncio.sleep(0)
            answer = await reader.read()
            writer.close()
            return answer

    assert refused(play_for_real(scene))[0] == 400


def test_beyond_the_most_connections_newcomers_are_told_so(app: Application, path: FastPath | None) -> None:
    async def scene() -> None:
        async with listen(app, path, SocketLimits(max_connections=2)) as (port, state):
            kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answer = await reader.read()
            assert refused(answer)[0] == 503
            assert b"\r\nretry-after: 1\r\n" in answer.lower()
            writer.close()
            kept[0][1].close()
            while len(state.connections) > 1:
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(LIVE)
            writer.write_eof()
            assert statuses(await reader.read())[-1] == 200
            for left in (writer, kept[1][1]):
                left.close()

    play_for_real(scene)


def test_an_exception_in_reading_is_a_500_with_a_trace(
    app: Application,
    path: FastPath | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("service.http.bodies.json_bodies.parse", fail)
    answer = exchange(app, path, post(), half_close=True)
    assert statuses(answer)[-1] == 500
    assert b"ZeroDivisionError" not in answer
    assert "a fault of ours" in caplog.text


LIMITS = SocketLimits(head_timeout_s=5, body_timeout_s=7, write_timeout_s=9)


@pytest.mark.parametrize(
    ("sent", "after_s", "outcome"),
    [
        ((), 5, "closed"),
        ((LIVE[:20],), 5, 408),
        ((LIVE[:20], LIVE[20:30]), 5, 408),
        ((post()[:-3],), 7, 408),
        ((post(b"expect: 100-continue")[: -len(BODY)],), 7, 408),
        ((LIVE,), 75, "closed"),
        ((LIVE, LIVE[:5]), 5, 408),
    ],
)
def test_whoever_is_too_slow_is_told_so(
    app: Application, path: FastPath | None, sent: tuple[bytes, ...], after_s: float, outcome: Any
) -> None:
    async def scene() -> None:
        connection = connect(app, path, limits=LIMITS)
        for piece in sent:
            connection.protocol.data_received(piece)
            await asyncio.sleep(0.05)
        connection.protocol.check(100.0)
        connection.protocol.check(100.0 + after_s - 0.1)
        assert not connection.transport.closed
        connection.protocol.check(100.0 + after_s)
        await asyncio.sleep(0.05)
        assert connection.transport.closed or connection.transport.half_closed
        if outcome == "closed":
            assert 408 not in statuses(connection.transport.sent)
        else:
            assert refused(connection.transport.sent)[0] == outcome

    play(scene)


def test_who_was_refused_and_sends_on_is_cut_off(
    app: Application, path: FastPath | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        connection = connect(app, path)
        # Whenever it is looked at, more has come than has been read.
        monkeypatch.setattr("service.connections.connection.count_unread", lambda _: 1)
        await connection.send(b"garbage\r\n\r\n")
        assert connection.transport.half_closed
        connection.protocol.check(100.0)
        assert not connection.transport.closed
        connection.protocol.check(100.0 + LINGER_S)
        assert connection.transport.closed

    play(scene)


def test_what_takes_long_to_parse_is_parsed_in_turns(
    app: Application, path: FastPath | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.connections.connection.TURN_S", 0.0)
    head = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY.ljust(20_000)) + b"0\r\n\r\n"
    whole = head + b"transfer-encoding: chunked\r\n\r\n" + chunks

    async def scene() -> None:
        connection = connect(app, path)
        connection.protocol.data_received(whole + LIVE)
        seen = connection.protocol.body_bytes
        assert seen < PIECE_BYTES / 6
        await asyncio.sleep(0)
        assert seen < connection.protocol.body_bytes < PIECE_BYTES / 3
        assert statuses(await connection.read(2)) == [200, 200]

    play(scene)
    answers = statuses(exchange(app, path, whole + whole, LIVE, half_close=True))
    assert [status for status in answers if status != 100] == [200, 200, 200]


def test_a_body_that_goes_on_is_waited_for(app: Application, path: FastPath | None) -> None:
    async def scene() -> None:
        connection = connect(app, path, limits=LIMITS)
        connection.protocol.data_received(post()[: -len(BODY)])
        for i, byte in enumerate(BODY):
            await asyncio.sleep(0)
            connection.protocol.check(100.0 + 6 * i)
            connection.protocol.data_received(bytes([byte]))
        assert statuses(await connection.read()) == [200]

    play(scene)


def test_the_last_of_the_requests_that_wait_announces_the_end(
    app: Application, path: FastPath | None
) -> None:
    async def scene(requests: int) -> bytes:
        connection = connect(app, path)
        connection.protocol.announce_end()  # of one that has nothing to answer, no more than nothing
        connection.protocol.data_received(PICTURE * requests)
        connection.protocol.announce_end()
        return await connection.read(requests)

    assert play(lambda: scene(1)).count(b"connection: close") == 1
    # Others wait behind it, and the end is theirs to announce.
    assert play(lambda: scene(2)).count(b"connection: close") == 0


@pytest.mark.parametrize("requests", [1, 3])
def test_of_what_comes_while_it_drains_the_last_announces_the_end(
    app: Application, path: FastPath | None, requests: int
) -> None:
    async def scene() -> bytes:
        connection = connect(app, path)
        connection.protocol.server_state.draining = True  # type: ignore[attr-defined]
        connection.protocol.data_received(PICTURE * requests)
        return await connection.read(requests)

    answers = play(scene)
    assert statuses(answers) == [200] * requests
    assert answers.count(b"connection: close") == 1
    assert answers.rindex(b"HTTP/1.1 200") < answers.index(b"connection: close")


def test_a_client_that_does_not_read_is_cut_off(app: Application, path: FastPath | None) -> None:
    async def scene() -> None:
        connection = connect(app, path, limits=LIMITS)
        await connection.send(PICTURE)
        connection.transport.unsent = 1000
        connection.protocol.check(100.0)
        connection.protocol.check(108.0)
        connection.transport.unsent = 500  # it goes on after all
        connection.protocol.check(109.0)
        connection.protocol.check(117.0)
        assert not connection.transport.closed
        connection.protocol.check(118.0)
        assert connection.transport.aborted

    play(scene)


def test_what_takes_us_long_is_no_fault_of_the_client() -> None:
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        await asyncio.sleep(5)

    async def scene() -> None:
        connection = connect(app, None, limits=LIMITS)
        await connection.send(LIVE)
        for now in (100.0, 1000.0):
            connection.protocol.check(now)
        assert not connection.transport.closed

    play(scene)


@pytest.mark.parametrize(
    ("target", "whole"),
    [
        (b"http://host", b"http://host/"),
        (b"http://host:80?a=/b", b"http://host:80/?a=/b"),
        (b"http://host/", b"http://host/"),
        (b"http://host/a?b", b"http://host/a?b"),
        (b"*", b"*"),
    ],
)
def test_a_target_without_a_path_stands_for_the_root(target: bytes, whole: bytes) -> None:
    assert complete_target(target) == whole
