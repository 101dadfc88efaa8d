"""Clients that offer HTTP/2 by `Upgrade: h2c`, as the JDK's does with each request on plain HTTP, and curl's.

The service ignores the offer (RFC 9110, section 7.8), and reads the body that comes with it.
"""

from __future__ import annotations

import pathlib
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.live import serve
from tests.service import fake
from tests.service.client import sockets

SOURCE = pathlib.Path(__file__).parent / "java" / "Stock.java"
DEADLINE_S = 120
NPY_HEAD_BYTES = 128
PICTURE_BYTES = 28 * 28 * 4

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    with serve(folder / "log", CVAE_MODELS_DIR=str(folder)) as place:
        yield f"http://{place}"


def run_java(address: str) -> list[str]:
    """Gives the lines that the program writes; without a JDK, fails."""
    command = ["java", str(SOURCE), address, "fake"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run_curl(*arguments: str) -> tuple[str, str]:
    """Gives what it writes: the answer, and what it says of the connection."""
    command = ["curl", "--http2", "--verbose", "--silent", "--max-time", "30", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def to_npy_bytes(n: int) -> int:
    return NPY_HEAD_BYTES + n * PICTURE_BYTES


def test_the_jdk_offers_http_2() -> None:
    heads: list[bytes] = []

    def refuse(connection: socket.socket, _over: threading.Event) -> None:
        heads.append(connection.recv(65_536))

    with sockets.serve(refuse) as address:
        lines = run_java(address)
    assert {line.split()[2] for line in lines} == {"failed:"}
    assert all(b"Upgrade: h2c\r\n" in head for head in heads if head)
    assert any(head.startswith(b"POST ") for head in heads)


def test_the_jdks_client_is_answered(address: str) -> None:
    lines = [line.split() for line in run_java(address)]
    assert [line[:4] for line in lines] == [
        ["GET", "/decode.png", "200", "image/png"],
        ["POST", "/decode", "200", "application/x-npy"],
        ["POST", "/decode", "200", "application/x-npy"],
        ["POST", "/encode", "200", "application/json"],
        ["POST", "/encode", "200", "application/json"],
        ["POST", "/v2/models/fake.decoder/infer", "200", "application/json"],
        ["POST", "/sample", "200", "application/x-npy"],
        ["POST", "/decode", "422", "application/problem+json"],
        ["GET", "/models", "200", "application/json"],
    ]
    assert [int(lines[index][4]) for index in (1, 2, 6)] == [to_npy_bytes(n) for n in (2, 200, 3)]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--json", '{"z": [[0.5, -1.0], [0, 0]]}', "{}/decode"], '"images":[[['),
        (["--json", '{"inputs": [{"name": "z"}]}', "{}/v2/models/fake.decoder/infer"], "inputs[0]"),
        (["--form", "from=0.5,-1.0", "--form", "to=digit:3", "{}/interpolate?format=json"], '"images":[[['),
        (["{}/models"], '"name":"fake"'),
    ],
)
def test_curl_is_answered(address: str, arguments: list[str], wanted: str) -> None:
    answer, said = run_curl(*(argument.replace("{}", address) for argument in arguments))
    assert "> Upgrade: h2c" in said
    assert "< HTTP/1.1 " in said
    assert wanted in answer
