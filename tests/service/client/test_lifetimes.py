"""Clients that are closed, forked, or whose call is cancelled; real sockets."""

from __future__ import annotations

import asyncio
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

from service.client import AsyncClient
from tests.service.client.driver import Driver
from tests.service.client.sockets import serve

ROOT = pathlib.Path(__file__).parents[3]
DEADLINE_S = 120
BODY = b'{"models": []}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
FORK = """
import os, sys
from service.client import Client
with Client(sys.argv[1], timeout_s=20) as client:
    client.models()
    child = os.fork()
    client.models()
    if not child:
        os._exit(0)
    print(os.waitpid(child, 0)[1])
"""


def test_a_closed_client_says_so(driver: Driver) -> None:
    driver.open(None, base_url="http://127.0.0.1:1")
    driver.close()
    with pytest.raises(RuntimeError, match="the client has been closed"):
        driver.ask(lambda client: client.models())


def test_a_forked_process_has_its_own_connections() -> None:
    requests: list[int] = []

    def work(connection: socket.socket, _over: threading.Event) -> None:
        while connection.recv(65_536):
            requests.append(connection.getpeername()[1])
            connection.sendall(ANSWER)

    with serve(work) as address:
        command = [sys.executable, "-c", FORK, address]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
        assert (done.stdout, done.stderr) == ("0\n", "")
    # The parent's two on one connection, the child's on another.
    assert sorted(requests.count(port) for port in set(requests)) == [1, 2]


@pytest.mark.parametrize("begin", [b"", ANSWER[:-5]])
def test_a_cancelled_call_leaves_no_connection(runner: asyncio.Runner, begin: bytes) -> None:
    asked, left, again = threading.Event(), threading.Event(), threading.Event()

    def work(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65_536)
        if again.is_set():
            connection.sendall(ANSWER)
            return
        connection.sendall(begin)
        asked.set()
        if not connection.recv(1):
            left.set()

    async def cancel(address: str) -> None:
        async with AsyncClient(address, timeout_s=DEADLINE_S) as client:
            call = asyncio.create_task(client.models())
            assert await asyncio.to_thread(asked.wait, DEADLINE_S)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(left.wait, DEADLINE_S)
            again.set()
            assert await client.models() == ()

    with serve(work) as address:
        runner.run(cancel(address))
