"""Owns the load: clients that do all right, each request's answer held against its reference.

They keep connections, open new ones, pipeline, and send in pieces; nothing is sent twice, and no
fault forgiven.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

from tests.reliability.references import Reference, judge
from tests.reliability.tally import Fate, Loss, Tally
from tests.reliability.wire import Connection, CutError, FramingError, connect

PATIENCE_S = 60.0
# Requests on a connection that is kept, at most; and at once on one that is pipelined.
KEPT, DEEP = 50, 8
STYLES = ("kept", "kept", "kept", "fresh", "pipelined", "pieces")
REFUSED_PAUSE_S = 0.05
Asked = tuple[Reference, str]


class Load:
    """Clients of one service.

    Attributes:
        tally: What they have seen so far.
        leaving: Set once the service has been told to stop: who is refused from then on goes.
    """

    def __init__(
        self, port: int, references: Sequence[Reference], seed: int = 0, styles: Sequence[str] = STYLES
    ) -> None:
        """Store where to send, what, and how.

        Args:
            port: On loopback.
            references: To choose from, by their weights.
            seed: Of the choice.
            styles: Of the sessions; a name more than once is chosen more often.
        """
        self.port = port
        self.tally = Tally()
        self.leaving = False
        self._references = references
        self._weights = list(itertools.accumulate(reference.weight for reference in references))
        self._random = random.Random(seed)
        self._styles = styles
        self._ids = itertools.count(seed * 10**9)
        self._stopping = False

    def stop(self) -> None:
        """Send nothing more; what is under way is waited for."""
        self._stopping = True

    async def run(self, connections: int) -> Tally:
        """Send until `stop`, or until all clients are refused by a service that was told to stop.

        Args:
            connections: At one time.

        Returns:
            What was seen.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._live())
        return self.tally

    async def _live(self) -> None:
        while not self._stopping:
            begun = time.monotonic()
            try:
                connection = await connect(self.port)
            except OSError:
                self.tally.losses.append(Loss("refused", "", begun, begun, time.monotonic(), 0))
                if self.leaving:
                    return
                await asyncio.sleep(REFUSED_PAUSE_S)
                continue
            self.tally.connections += 1
            try:
                await self._hold(connection, self._random.choice(self._styles))
            finally:
                connection.close()

    async def _hold(self, connection: Connection, style: str) -> None:
        for _ in range(1 if style == "fresh" else self._random.randrange(1, KEPT)):
            if self._stopping or connection.ended is not None:
                return
            asked = self._choose(self._random.randrange(2, DEEP) if style == "pipelined" else 1)
            if not await self._ask(connection, asked, style):
                return

    def _choose(self, count: int) -> list[Asked]:
        chosen = self._random.choices(self._references, cum_weights=self._weights, k=count)
        # Answers that name their request's id cannot change places unseen; half go without one.
        return [
            (reference, "" if i % 2 or b"x-request-id" in reference.head else f"r{next(self._ids)}")
            for i, reference in enumerate(chosen, self._random.randrange(2))
        ]

    async def _ask(self, connection: Connection, asked: Sequence[Asked], style: str) -> bool:
        """Send requests at once and judge their answers; tell whether the connection is of use still."""
        close = style == "fresh" and bool(self._random.randrange(2))
        data = b"".join(reference.to_bytes(request_id, close=close) for reference, request_id in asked)
        sent, done = time.monotonic(), 0
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._send(connection, data, style)
                for reference, request_id in asked:
                    answer = await connection.receive(reference.method)
                    done += 1
                    self.tally.answered_bytes += len(answer.body)
                    self.tally.note(reference, answer.status, judge(reference, answer, request_id))
                    if answer.closes:
                        self._lose(connection, asked[done:], sent, "withdrawn")
                        return False
            return True
        except CutError as error:
            first: Fate = "cut" if error.received else "unanswered"
            self._lose(connection, asked[done : done + 1], sent, first, error)
            self._lose(connection, asked[done + 1 :], sent, "unanswered", error)
        except TimeoutError:
            self._lose(connection, asked[done:], sent, "late")
        except FramingError as error:
            self.tally.notes.append(f"{asked[done][0].name}: {error}")
            self._lose(connection, asked[done:], sent, "garbled")
        return False

    async def _send(self, connection: Connection, data: bytes, style: str) -> None:
        if style != "pieces":
            await connection.send(data)
            return
        place = self._random.randrange(1, min(len(data), 4000))
        await connection.send(data[:place])
        await asyncio.sleep(self._random.random() * 0.01)
        await connection.send(data[place:])

    def _lose(
        self,
        connection: Connection,
        asked: Sequence[Asked],
        sent: float,
        fate: Fate,
        error: CutError | None = None,
    ) -> None:
        ended = error.ended if error else time.monotonic()
        for reference, _ in asked:
            loss = Loss(
                fate,
                reference.name,
                connection.opened,
                sent,
                ended,
                connection.answered,
                bool(error and error.reset),
            )
            self.tally.losses.append(loss)
