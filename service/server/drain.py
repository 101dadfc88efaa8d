"""How the server stops: not ready but serving for a while, then closing once what has come is answered.

Invariant: a request that was sent before the server had been unready for `drain_s` is answered whole, unless
it takes longer than `timeout_s` beyond that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.server import HANDLED_SIGNALS, ServerState

from service.connections.closing import count_waiting
from service.connections.heads import LIMITS

logger = logging.getLogger(__name__)

# The key under which the lifespan's state holds the function that turns readiness off.
DRAIN = "drain"
TICK_S = 0.05
# By one handle libuv accepts one connection a turn (since 1.45), and a turn of a busy loop takes 20 ms: of
# 1,000 new ones the last waited for ten seconds before it was read. Sixteen handles cost no more than one: a
# connection and a request on it take 178 µs, with one handle 222.
ACCEPTED_A_TURN = 16
# Enough for the 2,048 that may wait at a port.
ACCEPT_TURNS = 200
# When connections run out: how often a warning says so, and how long one must have been idle to be closed.
WARNING_S, IDLE_S = 10.0, 1.0
# Ticks of uvicorn's main loop, a tenth of a second each, from one look at all connections to the next.
WATCH_TICKS = 10
# How long a look holds the event loop before requests have their turn: 16,384 connections that are too slow
# with their heads at one time would take 0.4 s.
TURN_S = 0.005


class DrainingState(ServerState):
    """The state that uvicorn's connections share; `draining` says whether they are soon to end."""

    draining = False


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which loses no request when it stops, and watches over its connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        drain_s: float,
        timeout_s: float,
        on_started: Callable[[], None] = lambda: None,
        at_once: int | None = None,
    ) -> None:
        """Store what `run` needs.

        Args:
            config: The configuration of uvicorn.
            drain_s: How long it serves on, though not ready, once it has been told to stop.
            timeout_s: How long, after that, it waits until what has come is answered.
            on_started: Called when it listens.
            at_once: The signal by which a parent process ends it at once. Terminals and systemd send other
                signals to the whole group, and the parent sends them as well: Ctrl+C then means nothing, and
                SIGTERM no more the second time than the first. None: a second signal ends it at once.
        """
        super().__init__(config)
        self.server_state: DrainingState = DrainingState()
        self.drain_s = drain_s
        self.timeout_s = timeout_s
        self.on_started = on_started
        self.at_once = at_once
        self._warn_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then call `on_started`."""
        await super().startup(sockets)
        # Where it was told to stop meanwhile, uvicorn's main loop, which ticks first of all, never runs.
        await self.on_tick(0)
        await self._accept_faster()
        self.on_started()

    async def _accept_faster(self) -> None:
        """Watch each port by several handles: the event loop accepts one connection a turn by each."""
        loop = asyncio.get_running_loop()
        for port in [listener for server in self.servers for listener in server.sockets]:
            for _ in range(ACCEPTED_A_TURN - 1):
                copy = socket.socket(fileno=os.dup(port.fileno()))
                self.servers.append(
                    await loop.create_server(self._make_protocol, sock=copy, backlog=self.config.backlog)
                )

    def _make_protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg]
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return made

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or end at once."""
        del frame
        if self.at_once is None:
            self.force_exit = self.should_exit
        elif sig == signal.SIGINT:
            return
        else:
            self.force_exit = self.force_exit or sig == self.at_once
        if sig in HANDLED_SIGNALS:
            self._captured_signals.append(sig)
        self.should_exit = self.server_state.draining = True
        turn_off = self._state().get(DRAIN)
        if turn_off is not None:
            turn_off()

    async def on_tick(self, counter: int) -> bool:
        """Do what uvicorn does ten times a second; once a second, also look at all connections."""
        if counter % WATCH_TICKS == 0:
            await self.look()
        return await super().on_tick(counter)

    async def look(self) -> None:
        """End connections that have been in one phase for too long; when they run out, also idle ones."""
        now, connections = time.monotonic(), self._watched()
        end = now + TURN_S
        for connection in connections:
            if time.monotonic() >= end:
                await asyncio.sleep(0)
                end = time.monotonic() + TURN_S
            if connection in self.server_state.connections:  # it may have gone meanwhile
                connection.check(now)
        limits = self._state().get(LIMITS)
        if limits is not None and len(connections) >= limits.max_connections:
            self._make_room(connections, now)

    def _make_room(self, connections: list[Any], now: float) -> None:
        if now >= self._warn_at:
            self._warn_at = now + WARNING_S
            logger.warning("all %d connections are taken (CVAE_MAX_CONNECTIONS)", len(connections))
        idle = [one for one in connections if one.idle and now - one.watch.since >= IDLE_S]
        for connection in sorted(idle, key=lambda one: one.watch.since)[: len(connections) // 16 + 1]:
            connection.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: serve on for a while, then refuse new connections and close those that are idle."""
        logger.info("not ready any more; closing in %g s, or at a second signal", self.drain_s)
        for connection in self._watched():
            connection.announce_end()
        await self._go_on(self.drain_s, lambda: False)
        await self._accept_all()
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        await self._go_on(self.timeout_s, self._close_idle)
        await self._cut()
        await self.lifespan.shutdown()

    async def _accept_all(self) -> None:
        """Accept the connections that wait: closing the port would reset them."""
        listeners = [listener for server in self.servers for listener in server.sockets]
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)  # in each turn, the event loop accepts some of them
            if not any(map(count_waiting, listeners)):
                return

    async def _go_on(self, seconds: float, is_done: Callable[[], bool]) -> None:
        end, counter = time.monotonic() + seconds, 0
        while not (self.force_exit or is_done() or time.monotonic() >= end):
            await asyncio.sleep(TICK_S)
            counter += 1
            if counter % 2 == 0:
                await self.on_tick(counter // 2)

    def _close_idle(self) -> bool:
        for connection in self._connections():
            connection.shutdown()
        return not (self.server_state.connections or self.server_state.tasks)

    async def _cut(self) -> None:
        left = self._connections()
        if left:
            logger.warning("cutting off %d connections", len(left))
        for connection in left:
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def count_connections(self) -> tuple[int, int]:
        """Return how many connections are open, and how many of them have a request that is not answered."""
        connections = self._connections()
        return len(connections), sum(getattr(one, "busy", False) for one in connections)

    def _watched(self) -> list[Any]:
        """Return the connections of our own protocol; uvicorn's own has no phases, and no last words."""
        return [one for one in self._connections() if hasattr(one, "check")]

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    def _state(self) -> dict[str, Any]:
        lifespan = getattr(self, "lifespan", None)
        return {} if lifespan is None else lifespan.state
