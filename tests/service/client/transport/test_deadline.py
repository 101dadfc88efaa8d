"""A call ends by its timeout, whatever the server does; real sockets, either client."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from service.client import Retry, TimedOutError, UnreachableError
from tests.service.client.driver import Driver
from tests.service.client.sockets import Work, serve

TIMEOUT_S = 0.2
# Between two bytes: far less than the timeout, so that none of the waits is too long by itself.
PAUSE_S = 0.02
SLACK_S = 2.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drip(connection: socket.socket, over: threading.Event, start: bytes, piece: bytes) -> None:
    connection.recv(65_536)
    connection.sendall(start)
    while not over.wait(PAUSE_S):
        connection.sendall(piece)


def say_nothing(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def drip_head(connection: socket.socket, over: threading.Event) -> None:
    drip(connection, over, HEAD + b"X: ", b"x")


def drip_body(connection: socket.socket, over: threading.Event) -> None:
    drip(connection, over, HEAD + b"Content-Length: 1000000\r\n\r\n{", b" ")


def drip_chunks(connection: socket.socket, over: threading.Event) -> None:
    drip(connection, over, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")


def drip_refusal(connection: socket.socket, over: threading.Event) -> None:
    drip(connection, over, b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n", b" ")


def take_slowly(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(PAUSE_S):
        connection.recv(1000)


def list_models(client: Any) -> Any:
    return client.models()


def upload(client: Any) -> Any:
    return client.encode(bytes(16_000_000))


@pytest.mark.parametrize(
    ("work", "ask"),
    [
        (say_nothing, list_models),
        (drip_head, list_models),
        (drip_body, list_models),
        (drip_chunks, list_models),
        (drip_refusal, list_models),
        (take_slowly, upload),
    ],
)
def test_no_server_outlasts_the_timeout(driver: Driver, work: Work, ask: Callable[[Any], Any]) -> None:
    with serve(work) as address:
        driver.open(None, base_url=address, timeout_s=TIMEOUT_S)
        begun = time.monotonic()
        with pytest.raises(TimedOutError):
            driver.ask(ask)
        assert TIMEOUT_S * 0.9 < time.monotonic() - begun < TIMEOUT_S + SLACK_S


def test_a_stream_that_does_not_begin_is_given_up(driver: Driver) -> None:
    with serve(drip_head) as address:
        driver.open(None, base_url=address, timeout_s=TIMEOUT_S)
        with pytest.raises(TimedOutError):
            driver.ask(lambda client: client.stream(1, 2))


def test_without_a_timeout_a_slow_answer_is_read(driver: Driver) -> None:
    body = b'{"models": []}'

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        for byte in body:
            over.wait(PAUSE_S)
            connection.sendall(bytes([byte]))

    with serve(answer) as address:
        driver.open(None, base_url=address, timeout_s=None, retry=Retry(tries=1))
        assert driver.ask(lambda client: client.models()) == ()
        driver.close()


def test_a_name_that_is_not_found_in_time_is_given_up(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def wait(*_: Any, **__: Any) -> Any:
        over.wait(SLACK_S * 10)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    driver.open(None, base_url="http://service.example", timeout_s=TIMEOUT_S)
    begun = time.monotonic()
    try:
        with pytest.raises(TimedOutError, match=r"^http://service\.example: expected an answer in time"):
            driver.ask(list_models)
        assert TIMEOUT_S * 0.9 < time.monotonic() - begun < TIMEOUT_S + SLACK_S
    finally:
        over.set()


def test_each_address_of_a_name_is_tried(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"models": []}'

    def answer(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def find(_host: Any, port: Any, *_: Any, **__: Any) -> Any:
        row = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*row, (address, int(port or 0))) for address in ("127.0.0.9", "127.0.0.1")]

    with serve(answer) as address:
        look_up = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *rest, **more: (find if "example" in str(host) else look_up)(host, *rest, **more),
        )
        name = re.sub(r"//[^:]+", "//service.example", address)
        driver.open(None, base_url=name, timeout_s=SLACK_S * 10, retry=Retry(tries=1))
        assert driver.ask(list_models) == ()
        driver.close()


def test_a_name_that_is_none_is_said(driver: Driver) -> None:
    driver.open(None, base_url="http://nowhere.invalid", timeout_s=SLACK_S * 10, retry=Retry(tries=1))
    with pytest.raises(UnreachableError, match=r"received none \(.*(?i:name)"):
        driver.ask(list_models)
