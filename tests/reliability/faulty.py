"""Owns clients that do what real ones do wrong, beside those that do all right.

Those of them that still deserve an answer must get the right one; the others must not harm anybody.
"""

from __future__ import annotations

import asyncio
import collections
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tests.reliability.references import Reference, judge
from tests.reliability.wire import Answer, Connection, CutError, FramingError, connect

# How long a client may be left hanging before it goes by itself.
HOLD_S = 8.0
ANSWER_S = 60.0
PIPELINED = 400
OVERSIZED_BYTES = 200_000
# Of cases: what weighs less is asked seldom because it costs much.
LIGHT = 0.2
GARBAGE = b"\x00\x16\x03\x01 this is no request\r\n\r\n"
# What may be said to an oversized head; nothing at all, but the connection's end, may be too.
OVERSIZED_STATUSES = (400, 414, 431)


class Fault(NamedTuple):
    """What a service did wrong to who misbehaves, and when that was seen (`time.monotonic`)."""

    at: float
    text: str


class Faulty:
    """Clients that misbehave.

    Attributes:
        counts: How often each fault was tried.
        faults: What the service did wrong.
    """

    def __init__(
        self, port: int, references: Sequence[Reference], seed: int = 0, hold_s: float = HOLD_S
    ) -> None:
        """Store where to send, and what to choose from."""
        self.port = port
        self.counts: collections.Counter[str] = collections.Counter()
        self.faults: list[Fault] = []
        self._random = random.Random(seed)
        sound = [each for each in references if each.kind == "bytes" and each.method != "HEAD"]
        # What is large to make costs the load beside it; as large to send is enough for who does not read.
        self._references = [each for each in sound if each.weight >= LIGHT] or sound
        self._small = [each for each in self._references if len(each.body) < 20_000]
        self._large = [each for each in sound if len(each.body) > 300_000] or self._small
        self._fresh = [each for each in self._references if each.status == 304] or self._small
        self._hold_s = hold_s

    @property
    def ways(self) -> tuple[Callable[[Connection], Awaitable[None]], ...]:
        """All that can be done wrong."""
        return (
            self.send_half_a_head,
            self.send_half_a_body,
            self.stay_silent,
            self.read_nothing,
            self.read_late,
            self.leave_early,
            self.reset_early,
            self.pipeline,
            self.send_an_oversized_head,
            self.send_garbage_behind,
            self.speak_http_1_0,
            self.close_one_half,
        )

    async def run(self, clients: int, seconds: float) -> None:
        """Misbehave, over and over, in all ways."""
        end = asyncio.get_running_loop().time() + seconds

        async def live(turn: int) -> None:
            while asyncio.get_running_loop().time() < end:
                await self.try_way(self.ways[turn % len(self.ways)])
                turn += 1

        await asyncio.gather(*(live(i) for i in range(clients)))

    async def try_way(self, way: Callable[[Connection], Awaitable[None]]) -> None:
        """Misbehave once, in one way, on a connection of its own."""
        name = way.__name__
        self.counts[name] += 1
        try:
            connection = await connect(self.port)
        except OSError as error:
            self._note(name, f"expected a connection, received {error!r}")
            await asyncio.sleep(0.1)
            return
        try:
            await way(connection)
        except (CutError, FramingError) as error:
            self._note(name, str(error))
        except TimeoutError:
            self._note(name, f"expected an answer within {ANSWER_S} s, received none")
        finally:
            connection.abort()

    async def send_half_a_head(self, connection: Connection) -> None:
        """Stop within the head."""
        head = self._pick().head
        await connection.send(head[: self._random.randrange(1, len(head))])
        await self._hang(connection)

    async def send_half_a_body(self, connection: Connection) -> None:
        """Stop within the body."""
        head = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        await connection.send(head + b"content-length: 5000\r\n\r\n" + b'{"z":[[0.5,')
        await self._hang(connection)

    async def stay_silent(self, connection: Connection) -> None:
        """Send nothing at all."""
        await self._hang(connection)

    async def read_nothing(self, connection: Connection) -> None:
        """Ask for much, and do not read it."""
        connection.pause()
        await connection.send(b"".join(self._random.choice(self._large).to_bytes() for _ in range(4)))
        await asyncio.sleep(self._hold_s * self._random.random())

    async def read_late(self, connection: Connection) -> None:
        """Read the answer only after a while; it must be whole."""
        reference = self._random.choice(self._large)
        connection.pause()
        await connection.send(reference.to_bytes())
        await asyncio.sleep(self._hold_s * 0.25)
        connection.resume()
        await self._expect(connection, reference, "read_late")

    async def leave_early(self, connection: Connection) -> None:
        """Close the connection before the answer."""
        await connection.send(self._random.choice(self._references).to_bytes())
        connection.close()

    async def reset_early(self, connection: Connection) -> None:
        """Reset the connection before the answer, or while it comes."""
        await connection.send(self._random.choice(self._references).to_bytes())
        await asyncio.sleep(self._random.random() * 0.05)
        connection.abort()

    async def pipeline(self, connection: Connection) -> None:
        """Send hundreds of requests at once, many of them conditional; all must be answered, in order."""
        asked = [self._random.choice(self._fresh if i % 3 else self._small) for i in range(PIPELINED)]
        await connection.send(b"".join(reference.to_bytes() for reference in asked))
        for reference in asked:
            answer = await self._expect(connection, reference, "pipeline")
            if answer.closes:
                return

    async def send_an_oversized_head(self, connection: Connection) -> None:
        """Send a header that is far too long."""
        head = b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-long: " + b"a" * OVERSIZED_BYTES + b"\r\n\r\n"
        try:
            await connection.send(head)
            async with asyncio.timeout(ANSWER_S):
                answer = await connection.receive()
        except CutError:
            return
        if answer.status not in OVERSIZED_STATUSES:
            self._note("send_an_oversized_head", f"expected {OVERSIZED_STATUSES}, received {answer.status}")

    async def send_garbage_behind(self, connection: Connection) -> None:
        """Send what is no request behind one that is; that is refused, and the connection ended."""
        reference = self._random.choice(self._fresh)
        await connection.send(reference.to_bytes() + GARBAGE)
        async with asyncio.timeout(ANSWER_S):
            rest = await connection.wait_for_end()
        if b" 400 " not in rest or b" 500 " in rest:
            self._note("send_garbage_behind", f"expected a 400 in what came, received {rest[-300:]!r}")

    async def speak_http_1_0(self, connection: Connection) -> None:
        """Speak HTTP/1.0, whose clients know no chunks; its answer's end may be the connection's."""
        reference = self._random.choice(self._references)
        await connection.send(reference.to_bytes().replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
        answer = await self._receive(connection, reference)
        if "transfer-encoding" in answer.headers:
            self._note("speak_http_1_0", f"{reference.name}: expected no chunks, received them")
        headers = dict(answer.headers)
        for name in reference.headers.keys() & {"content-length"}:
            headers.setdefault(name, str(len(answer.body)))
        self._judge(reference, answer._replace(headers=headers), "speak_http_1_0")

    async def close_one_half(self, connection: Connection) -> None:
        """Send all, say that nothing more will come, and read on."""
        reference = self._random.choice(self._references)
        await connection.send(reference.to_bytes())
        connection.finish()
        await self._expect(connection, reference, "close_one_half")

    def _pick(self) -> Reference:
        return self._random.choice(self._small)

    async def _hang(self, connection: Connection) -> None:
        """Wait for the service to end the connection, for a while."""
        try:
            async with asyncio.timeout(self._hold_s * self._random.random()):
                await connection.wait_for_end()
        except TimeoutError:
            return

    async def _receive(self, connection: Connection, reference: Reference) -> Answer:
        async with asyncio.timeout(ANSWER_S):
            return await connection.receive(reference.method)

    async def _expect(self, connection: Connection, reference: Reference, way: str) -> Answer:
        answer = await self._receive(connection, reference)
        self._judge(reference, answer, way)
        return answer

    def _judge(self, reference: Reference, answer: Answer, way: str) -> None:
        judgement = judge(reference, answer)
        if judgement.verdict not in ("right", "busy"):
            self._note(way, f"{reference.name}: {judgement.reason}")

    def _note(self, way: str, text: str) -> None:
        if len(self.faults) < 10_000:
            self.faults.append(Fault(time.monotonic(), f"{way}: {text}"))
