"""How a process stops, as its clients and whoever runs it meet it."""

from __future__ import annotations

import asyncio
import os
import pathlib
import pty
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
import uvloop

from service.connections.heads import LIMITS
from service.connections.limits import SocketLimits
from service.server.drain import ACCEPTED_A_TURN, IDLE_S, WARNING_S, DrainingServer
from tests.live import DEADLINE_S, ROOT, wait_for_port, wait_for_workers

POST = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n"
BODY = b'{"z":[0.5,-1.0]}'
Start = Callable[..., tuple[subprocess.Popen[bytes], int]]


@pytest.fixture
def start(models_dir: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> tuple[subprocess.Popen[bytes], int]:
        fixed = {"CVAE_MODELS_DIR": str(models_dir), "CVAE_PORT": "0"}
        chosen = {f"CVAE_{name.upper()}": value for name, value in settings.items()}
        log = tmp_path / "log"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "service"]
            process = subprocess.Popen(command, cwd=ROOT, stderr=file, env={**os.environ, **fixed, **chosen})
        started.append(process)
        port = int(wait_for_port(log, process))
        # One that is in the middle of an import cannot stop when it is told to.
        wait_for_workers(log, process, int(settings.get("workers", "1")))
        return process, port

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.terminate()
            process.wait()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def read(client: socket.socket) -> bytes:
    """One answer, which ends with its content or with the connection."""
    answer = b""
    while True:
        piece = client.recv(65_536)
        answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        if not piece or (
            b"content-length: " in head and len(body) == int(head.split(b"gth: ")[1].split()[0])
        ):
            return answer


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_says_that_it_stops_goes_on_and_then_ends(start: Start, workers: str) -> None:
    process, port = start(drain_ms="1500", workers=workers)
    with connect(port) as idle, connect(port) as kept, httpx.Client() as client:
        kept.sendall(POST + BODY)
        assert b"connection: close" not in read(kept)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        ready = client.get(f"http://127.0.0.1:{port}/health/ready")
        assert (ready.status_code, ready.headers["connection"]) == (503, "close")
        kept.sendall(POST + BODY)
        answer = read(kept)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert kept.recv(1) == b""
        new = client.post(f"http://127.0.0.1:{port}/decode", json={"z": [0.5, -1.0]})
        assert (new.status_code, new.headers["connection"]) == (200, "close")
        idle.sendall(POST + BODY)  # until the very end
        assert read(idle).startswith(b"HTTP/1.1 200 ")
        assert process.wait(5) == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_has_begun_to_come_is_waited_for(start: Start, workers: str) -> None:
    process, port = start(drain_ms="100", workers=workers)
    with connect(port) as head, connect(port) as body:
        head.sendall(POST[:30])
        body.sendall(POST + BODY[:5])
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        head.sendall(POST[30:] + BODY)
        body.sendall(BODY[5:])
        for client in (head, body):
            answer = read(client)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"\r\nconnection: close\r\n" in answer
        assert process.wait(5) == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_client_that_hangs_does_not_keep_it(start: Start, tmp_path: pathlib.Path, workers: str) -> None:
    # Nothing else would end the connection within an hour, so that a slow machine may take its time.
    process, port = start(
        drain_ms="100", shutdown_timeout_ms="300", body_timeout_ms="3600000", workers=workers
    )
    with connect(port) as half, connect(port) as idle:
        half.sendall(POST + BODY[:5])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert idle.recv(1) == b""
    assert (tmp_path / "log").read_text().count("cutting off 1 connections") == 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(start: Start, workers: str, number: signal.Signals) -> None:
    process, port = start(drain_ms="60000", workers=workers)
    with connect(port) as half:
        half.sendall(POST)
        process.send_signal(number)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(5) == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reload_that_is_asked_for_does_not_keep_it(start: Start, workers: str) -> None:
    process, port = start(drain_ms="1000", workers=workers, admin="on")
    with connect(port) as client:
        client.sendall(b"POST /admin/reload HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.sendall(b"\r\n")
        assert client.recv(4096).split()[1] in (b"200", b"503")
    assert process.wait(DEADLINE_S) == 0


@pytest.mark.slow
def test_signals_that_mean_nothing_here_do_nothing(start: Start) -> None:
    process, port = start(drain_ms="0")
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        process.send_signal(number)
    time.sleep(0.2)
    assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200


@pytest.mark.slow
def test_the_end_of_its_terminal_ends_it(models_dir: pathlib.Path) -> None:
    environment = {**os.environ, "CVAE_MODELS_DIR": str(models_dir), "CVAE_DRAIN_MS": "0", "CVAE_PORT": "0"}
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, a child would ignore it
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "service"], environment)
    said = b""
    while b"running on" not in said:
        said += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


class Idle:
    """A connection that may be idle, for so long."""

    def __init__(self, since: float, idle: bool = True) -> None:
        self.watch = types.SimpleNamespace(since=since)
        self.idle = idle
        self.looked: list[float] = []
        self.closed = False

    def check(self, now: float) -> None:
        self.looked.append(now)

    def shutdown(self) -> None:
        self.closed = True


class Watching:
    """A server with connections, whose clock is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *connections: Idle, most: int) -> None:
        async def app(*_: Any) -> None: ...

        self.now = 0.0
        self.server = DrainingServer(uvicorn.Config(app, log_config=None), 0, 0)
        self.server.server_state.connections = set(connections)  # type: ignore[arg-type]
        state = {LIMITS: SocketLimits(max_connections=most)}
        self.server.lifespan = types.SimpleNamespace(state=state)
        monkeypatch.setattr("service.server.drain.time", types.SimpleNamespace(monotonic=lambda: self.now))

    def look(self, now: float) -> None:
        self.now = now
        asyncio.run(self.server.look())


def test_all_connections_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = [Idle(0.0) for _ in range(5)]
    Watching(monkeypatch, *connections, most=6).look(100.0)
    assert [one.looked for one in connections] == [[100.0]] * 5
    assert not any(one.closed for one in connections)


def test_connections_of_uvicorn_s_own_protocol_are_let_be() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    config = uvicorn.Config(app, log_config=None, http="httptools")
    config.load()
    server = DrainingServer(config, 0.0, 1.0)

    async def scene() -> None:
        made: Any = config.http_protocol_class
        server.server_state.connections.add(
            made(config=config, server_state=server.server_state, app_state={}, _loop=None)
        )
        await server.look()

    asyncio.run(scene())


def test_others_have_their_turn_while_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def look_on() -> None:
        looked = sum(bool(one.looked) for one in connections)
        seen.append(looked)
        # One of those whose turn has not come goes.
        gone = next((one for one in connections if not one.looked), None)
        if gone is not None:
            watching.server.server_state.connections.discard(gone)
            asyncio.get_running_loop().call_soon(look_on)

    class Slow(Idle):
        def check(self, now: float) -> None:
            super().check(now)
            watching.now += 0.001

    async def scene() -> None:
        asyncio.get_running_loop().call_soon(look_on)
        await watching.server.look()

    connections = [Slow(0.0) for _ in range(40)]
    watching = Watching(monkeypatch, *connections, most=99)
    asyncio.run(scene())
    assert seen[:4] == [5, 10, 15, 20]
    left = watching.server.server_state.connections
    assert [one.looked for one in connections if one not in left] == [[]]  # type: ignore[comparison-overlap]
    assert [one.looked for one in connections if one in left] == [[0.0]] * 39  # type: ignore[comparison-overlap]


def test_where_connections_are_short_those_that_are_idle_the_longest_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    idle = [Idle(float(i)) for i in range(34)]
    busy = [Idle(-1.0, idle=False), Idle(50.0 - IDLE_S + 0.1)]
    Watching(monkeypatch, *reversed(idle), *busy, most=36).look(50.0)
    assert [one.closed for one in idle] == [True] * 3 + [False] * 31
    assert not any(one.closed for one in busy)


def test_that_connections_are_short_is_said_now_and_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watching = Watching(monkeypatch, Idle(0.0, idle=False), most=1)
    for now in (100.0, 101.0, 100.0 + WARNING_S - 0.1):
        watching.look(now)
        assert caplog.messages == ["all 1 connections are taken (CVAE_MAX_CONNECTIONS)"]
    watching.look(100.0 + WARNING_S)
    assert len(caplog.messages) == 2


def test_a_stop_closes_what_listens_and_cuts_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.server.drain.TICK_S", 0.001)
    done: list[str] = []

    def note(what: str) -> Callable[[], None]:
        return lambda: done.append(what)

    async def end_lifespan() -> None:
        done.append("lifespan")

    async def tick(counter: int) -> bool:
        done.append(f"tick {counter}")
        return False

    async def app(*_: Any) -> None: ...

    async def scene() -> None:
        server = DrainingServer(uvicorn.Config(app, log_config=None), 0.05, 0.02)
        server.on_tick = tick  # type: ignore[method-assign]
        server.lifespan = types.SimpleNamespace(state={}, shutdown=end_lifespan)
        server.servers = [types.SimpleNamespace(sockets=[], close=note("server"))]  # type: ignore[list-item]
        connection: Any = Idle(0.0)
        connection.announce_end, connection.shutdown = note("announce"), note("shut")
        connection.transport = types.SimpleNamespace(abort=note("abort"))
        server.server_state.connections = {connection}
        task = asyncio.create_task(asyncio.sleep(3600))
        server.server_state.tasks = {task}
        await server.shutdown([types.SimpleNamespace(close=note("listener"))])  # type: ignore[list-item]
        assert task.cancelled()

    asyncio.run(asyncio.wait_for(scene(), 10))
    assert done[:2] == ["announce", "tick 1"]
    seldom = list(dict.fromkeys(what for what in done if "tick" not in what))
    assert seldom == ["announce", "server", "listener", "shut", "abort", "lifespan"]


def test_many_new_connections_are_accepted_in_a_few_turns_of_the_loop() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    async def scene() -> int:
        task = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        # Nothing is accepted meanwhile: the loop has no turn.
        clients = [socket.create_connection(listener.getsockname()) for _ in range(10 * ACCEPTED_A_TURN)]
        turns = 0
        while len(server.server_state.connections) < len(clients):
            await asyncio.sleep(0)
            turns += 1
        for client in clients:
            client.close()
        while server.server_state.connections:
            await asyncio.sleep(0.01)
        server.should_exit = True
        await task
        return turns

    config = uvicorn.Config(app, log_config=None, lifespan="off", http="httptools")
    server = DrainingServer(config, 0.0, 5)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            turns = runner.run(asyncio.wait_for(scene(), 10))
        assert turns <= 15


def test_told_to_stop_while_it_starts_its_answers_have_all_their_fields() -> None:
    async def app(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        await receive()
        if scope["type"] == "lifespan":
            server.handle_exit(signal.SIGTERM, None)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    async def scene() -> bytes:
        task = asyncio.create_task(server._serve([listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await task
        return answer

    server = DrainingServer(uvicorn.Config(app, log_config=None, headers=[("a", "b")]), 0.5, 5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = asyncio.run(asyncio.wait_for(scene(), 10))
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"\r\ndate: " in answer
    assert b"\r\na: b\r\n" in answer
