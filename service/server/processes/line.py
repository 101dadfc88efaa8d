"""The worker's end of the pipe to its parent.

It takes orders in a thread and writes in another, so that the event loop never waits for the parent.
Invariant: a process whose parent has gone stops.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from service.core.errors import NotReadyError
from service.core.reloads import Outcome
from service.inference.registry import Registry
from service.inference.reloading import Reload
from service.inference.served import Handover, Served, hand_over
from service.server.processes import messages
from service.server.processes.messages import Message

# The event loop says so often, in the time after which it would count as standing still, that it runs.
BEATS = 5


class ParentLine:
    """A worker's end of the pipe to its parent."""

    def __init__(self, registry: Registry, line: Connection) -> None:
        """Store what `open` needs.

        Args:
            registry: The models of this process, to be started after `open`.
            line: The pipe.
        """
        self._registry = registry
        self._line = line
        self._census: tuple[int, int] | None = None
        self._period_s = registry.settings.worker_timeout_ms / 1000 / BEATS or None
        self._outbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._ticked = time.monotonic()
        self._given = False
        self._reload: Reload | None = None
        self._asked: dict[int, asyncio.Future[list[Outcome] | None]] = {}
        self._numbers = itertools.count()

    def open(self) -> Handover | None:
        """Take orders from now on.

        Returns:
            The bundles to serve; None: those of the files.

        Raises:
            SystemExit: The parent has gone.
        """
        try:
            self._line.send((messages.WANT, True))
            _, content = self._line.recv()
        except (EOFError, OSError):
            raise SystemExit(0) from None
        threading.Thread(target=self._read, daemon=True, name="line in").start()
        threading.Thread(target=self._write, daemon=True, name="line out").start()
        # The parent passes on what another worker of the same service has pickled.
        self._given = content is not None
        return pickle.loads(content) if self._given else None  # noqa: S301

    def serve(self) -> None:
        """Say that the process listens; on the event loop."""
        self._loop = asyncio.get_running_loop()
        if not self._given:  # those that start later are to serve the same
            self._give(self._registry.served)
        self._tell(messages.READY)
        if self._period_s is not None:
            self._tick(self._period_s / 2)

    def read_census(self) -> tuple[int, int] | None:
        """Return how many workers serve, and how many there are to be, once the parent has said so."""
        return self._census

    async def reload(self) -> list[Outcome]:
        """Ask the parent to have all workers reload.

        Returns:
            What has happened to each model.

        Raises:
            NotReadyError: The service stops.
        """
        number = next(self._numbers)
        ended: asyncio.Future[list[Outcome] | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = ended
        self._tell(messages.ASK, number)
        try:
            outcomes = await ended
        finally:
            del self._asked[number]
        if outcomes is None:
            raise NotReadyError("the service stops: nothing is reloaded")
        return outcomes

    def _tick(self, after_s: float) -> None:
        self._ticked = time.monotonic()
        self._loop.call_later(after_s, self._tick, after_s)

    def _tell(self, kind: str, content: Any = True) -> None:
        self._outbox.put((kind, content))

    def _write(self) -> None:
        while True:
            try:
                self._line.send(self._outbox.get())
            except OSError:
                return

    def _read(self) -> None:
        while True:
            try:
                if self._line.poll(self._period_s):
                    self._obey(*self._line.recv())
            except (EOFError, OSError):
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if self._period_s is not None and time.monotonic() - self._ticked < self._period_s:
                self._tell(messages.BEAT)

    def _obey(self, kind: str, content: Any) -> None:
        if kind == messages.PREPARE:
            self._reload = Reload(self._registry)
            threading.Thread(target=self._prepare, args=(self._reload,), daemon=True, name="reload").start()
        elif kind == messages.SWAP:
            self._loop.call_soon_threadsafe(self._swap, content)
        elif kind == messages.DROP:
            self._reload = None
        elif kind == messages.GIVE:
            threading.Thread(target=self._plan, args=(content,), daemon=True, name="give").start()
        elif kind == messages.ENDED:
            self._loop.call_soon_threadsafe(self._end, *content)
        elif kind == messages.CENSUS:
            self._census = content

    def _prepare(self, reload: Reload) -> None:
        outcomes = reload.load()
        if self._reload is reload:  # else it took too long, and nobody waits for it
            self._tell(messages.PREPARED, outcomes)

    def _swap(self, outcomes: Sequence[Outcome]) -> None:
        if self._reload is not None:
            self._reload.swap(outcomes)
            self._reload = None
            self._tell(messages.SWAPPED)

    def _plan(self, outcomes: Sequence[Outcome]) -> None:
        if (reload := self._reload) is not None:
            self._give(reload.plan(outcomes))

    def _give(self, served: Served) -> None:
        self._tell(messages.GIVEN, pickle.dumps(hand_over(served)))

    def _end(self, numbers: Sequence[int], outcomes: list[Outcome] | None) -> None:
        for number in numbers:
            ended = self._asked.get(number)
            if ended is not None and not ended.done():
                ended.set_result(outcomes)
