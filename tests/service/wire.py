"""A client's connection without a network: bytes go into the protocol, and what it writes is kept."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
import uvloop

from service.connections.heads import LIMITS
from service.connections.limits import SocketLimits
from service.fastpath.handler import FastPath
from service.fastpath.protocol import STATE, FastPathProtocol
from service.server.drain import DrainingState

DEADLINE_S = 120


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unsent = 0
        self.closed = self.half_closed = self.aborted = False

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return None if name == "socket" else default

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write_eof(self) -> None:
        self.half_closed = True

    def abort(self) -> None:
        self.aborted = self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclasses.dataclass
class Connection:
    """A client's connection to one of the two ways."""

    protocol: FastPathProtocol
    transport: Transport

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)
            await asyncio.sleep(0)

    async def read(self, answers: int = 1) -> bytes:
        while self.protocol.server_state.total_requests < answers:
            await asyncio.sleep(0.001)
        return self.transport.sent


def connect(
    app: Any,
    path: FastPath | None,
    *,
    limits: SocketLimits | None = None,
    headers: list[tuple[str, str]] | None = None,
) -> Connection:
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, server_header=False, headers=headers
    )
    config.load()
    state = DrainingState()
    # As uvicorn's server makes them each second.
    state.default_headers = [(b"date", b"today"), *config.encoded_headers]
    app_state: dict[str, Any] = {} if path is None else {STATE: path}
    if limits is not None:
        app_state[LIMITS] = limits
    protocol = FastPathProtocol(config=config, server_state=state, app_state=app_state)
    transport = Transport()
    protocol.connection_made(transport)
    return Connection(protocol, transport)


def without_ids(answer: bytes) -> bytes:
    """What must be equal: all but times, and the random id in the header and in a problem's text."""
    for found in set(re.findall(rb"x-request-id: ([0-9a-f]{32})\r\n", answer)):
        answer = answer.replace(found, b"(id)")
    return re.sub(rb"dur=[0-9.]+", b"dur=(ms)", answer)


def play(scene: Callable[[], Any]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(scene(), DEADLINE_S)

    return asyncio.run(bounded())


@contextlib.asynccontextmanager
async def listen(
    app: Any, path: FastPath | None = None, limits: SocketLimits | None = None
) -> AsyncIterator[tuple[int, DrainingState]]:
    """Serve on a real socket of this machine; gives its port and what its connections share."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none")
    config.load()
    state = DrainingState()
    app_state: dict[str, Any] = {STATE: path, LIMITS: limits}

    def make() -> FastPathProtocol:
        return FastPathProtocol(config=config, server_state=state, app_state=app_state)

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], state
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def play_for_real(scene: Callable[[], Any]) -> Any:
    """Run a scene on the event loop that serves in production."""

    async def bounded() -> Any:
        return await asyncio.wait_for(scene(), DEADLINE_S)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())
