"""Starts a peer, waits for the right answer, lets it settle, stops it. Ends no process but its own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.answers import Answer, AnswerError, ask, check_pictures
from benchmarks.harness.environments import ROOT, find_programs
from benchmarks.harness.load import LoadError
from benchmarks.harness.processes import cpu_s, find_tree
from benchmarks.peers import VECTOR, Peer
from benchmarks.peers.session import decode, open_session

START_S, STOP_S, SETTLE_S = 120, 20, 60
LOG_TAIL = 3000
# Of MLServer, a new one each time.
TENSOR_ID = '"id":"[^"]*"'
# None of them is to report its use to its makers.
SILENT = {"ORT_DISABLE_TELEMETRY": "1", "BENTOML_DO_NOT_TRACK": "true", "RAY_USAGE_STATS_ENABLED": "0"}


class ServerError(Exception):
    """A peer did not start or answered wrongly; the message ends with its log's."""


@dataclasses.dataclass(frozen=True)
class Server:
    """A running peer.

    Attributes:
        peer: Which.
        pid: Of its first process, which leads its session.
        port: It listens on.
    """

    peer: Peer
    pid: int
    port: int

    @property
    def url(self) -> str:
        """Of the request to measure."""
        return f"http://127.0.0.1:{self.port}{self.peer.path}"

    def check(self) -> Answer:
        """Send one request, and look at the answer.

        Returns:
            The answer, which all others must be the same as.

        Raises:
            ServerError: The answer is not 200, or not the picture of the vector.
            OSError: There is none.
        """
        answer = ask(self.url, self.peer.body, START_S)
        try:
            if self.peer.answer != "empty":
                check_pictures(answer, _decode_vector())
            elif (answer.status, answer.body) != (200, b""):
                raise AnswerError(f"expected 200 and nothing, received {answer.status} {answer.body[:200]!r}")
        except AnswerError as error:
            raise ServerError(str(error)) from error
        volatile = TENSOR_ID if self.peer.answer == "tensor" else ""
        return dataclasses.replace(answer, volatile=volatile)

    def settle(self) -> None:
        """Wait until the work that the load left behind is done: less than half a core for 0.2 s."""
        end, used = time.monotonic() + SETTLE_S, cpu_s(self.pid)
        while time.monotonic() < end:
            time.sleep(0.2)
            before, used = used, cpu_s(self.pid)
            if used - before < 0.1:
                return


@functools.cache
def _decode_vector() -> NDArray[np.uint8]:
    """Return what the model makes of the vector that all peers are asked for, without any of them."""
    return decode(open_session(), [json.loads(VECTOR)["z"]])


@contextlib.contextmanager
def serve(peer: Peer) -> Iterator[Server]:
    """Run a peer for as long as the context lasts, in a session of its own.

    Args:
        peer: To run.

    Yields:
        The peer, ready.

    Raises:
        ServerError: It did not become ready, or what ran inside the context raised it.
    """
    # What a peer writes to its home or temporary folder goes with it; a killed one may leave it half gone.
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile("w+") as log,
    ):
        port = _free_port()
        process = _start(peer, port, folder, log)
        try:
            server = Server(peer, process.pid, port)
            _wait(process, server)
            yield server
        except (ServerError, LoadError, OSError) as error:
            log.seek(0)
            raise ServerError(f"{error}\n{log.read()[-LOG_TAIL:]}") from error
        finally:
            _stop(process)


def _start(peer: Peer, port: int, folder: str, log: IO[str]) -> subprocess.Popen[bytes]:
    program = find_programs(peer) / peer.command[0]
    command = [str(program), *(argument.format(port=port) for argument in peer.command[1:])]
    variables = {name: value.format(port=port, folder=folder) for name, value in peer.variables}
    environment = {**os.environ, **SILENT, "HOME": folder, "TMPDIR": folder, **variables}
    try:
        return subprocess.Popen(
            command,
            cwd=peer.folder or ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise ServerError(f"expected {peer.command[0]} to run, received {error.strerror}") from error


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], server: Server) -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        # Refused, reset, or an error status: not ready yet.
        with contextlib.suppress(OSError):
            if ask(server.url, server.peer.body, START_S).status < 400:
                server.check()
                return
        time.sleep(0.1)
    status = process.poll()
    raise ServerError(
        f"expected a right answer within {START_S} s, received "
        + ("none" if status is None else f"exit status {status}")
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    handles = _open(find_tree(process.pid).keys() - {process.pid})
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # What outlives its parent; a handle, unlike an id, never names another process.
    for handle in handles + _open(find_tree(process.pid)):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], STOP_S)  # readable once it has ended
        os.close(handle)


def _open(pids: Iterable[int]) -> list[int]:
    handles = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(pid))
    return handles
