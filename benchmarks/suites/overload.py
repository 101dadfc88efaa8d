"""Offers the service ten times what it can answer, at a steady rate: `python -m benchmarks.suites.overload`.

Requests are sent when they are due, whatever became of those before, and their latency counts from then on.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import statistics
import sys
import time

import numpy as np

from benchmarks.harness import answers
from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.servers import serve
from benchmarks.peers import OURS
from benchmarks.peers.session import decode, open_session
from service.core.settings import Settings
from service.imaging.formats.npy import write_npy

ROWS, TIMES = 1024, 10
CLOSED_CLIENTS, CLOSED_S, OPEN_S, PATIENCE_S = 4, 3.0, 10.0, 30.0
PATH = "/decode?format=npy&dtype=uint8"
# Beside the statuses of HTTP: no answer, and one of status 200 that is not the reference.
LOST, WRONG = 0, -200
NAMES = {LOST: "lost", WRONG: "wrong"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        status: HTTP's, or `LOST`, or `WRONG`.
        latency_s: From when it was due to its last byte.
        retry_after: The header of the same name, or None.
    """

    status: int
    latency_s: float
    retry_after: str | None


class Client:
    """Sends one request over and over, on as many connections as are under way.

    Attributes:
        request: To send.
        reference: The body that an answer of status 200 must have; None: not known yet.
    """

    def __init__(self, port: int) -> None:
        """Store the port, and make the request."""
        self.vectors = np.random.default_rng(0).standard_normal((ROWS, 2)).astype(np.float32)
        self.reference: bytes | None = None
        body = write_npy(self.vectors)
        head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-npy\r\n"
        self.request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
        self.port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._opened: list[asyncio.StreamWriter] = []

    async def send(self, due: float) -> Answer:
        """Send the request.

        Args:
            due: When it was to be sent, on the monotonic clock.

        Returns:
            What became of it.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, retry_after = await self._exchange()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status, retry_after = LOST, None
        return Answer(status, time.monotonic() - due, retry_after)

    async def learn(self) -> None:
        """Ask once, at rest, and hold the answer against a loop's pictures: it is what all others must be.

        Raises:
            AnswerError: It has other pictures, or fewer.
        """
        status, _, body = await self._receive()
        pictures = decode(open_session(), self.vectors)
        answers.check_pictures(answers.Answer(status, body), pictures)
        self.reference = body

    async def _exchange(self) -> tuple[int, str | None]:
        status, retry_after, body = await self._receive()
        return (WRONG if status == 200 and body != self.reference else status), retry_after

    async def _receive(self) -> tuple[int, str | None, bytes]:
        reader, writer = self._idle.pop() if self._idle else await self._open()
        writer.write(self.request)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self._idle.append((reader, writer))
        return int(lines[0].split()[1]), headers.get("retry-after"), body

    def close(self) -> None:
        """Close the connections, those too on which an answer is under way."""
        for writer in self._opened:
            writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._opened.append(writer)
        return reader, writer


async def find_capacity(client: Client) -> float:
    """Return the requests a second that a few clients get answered, each waiting for its answer.

    Raises:
        AnswerError: One of them was wrong.
    """

    async def ask() -> int:
        count, end = 0, time.monotonic() + CLOSED_S
        while time.monotonic() < end:
            status = (await client.send(time.monotonic())).status
            if status == WRONG:
                raise answers.AnswerError(f"expected the same pictures again, received others after {count}")
            count += status == 200
        return count

    return sum(await asyncio.gather(*(ask() for _ in range(CLOSED_CLIENTS)))) / CLOSED_S


async def flood(client: Client, per_s: float) -> list[Answer]:
    """Send at a steady rate for `OPEN_S`, and wait for all answers."""
    tasks, start = [], time.monotonic()
    for i in itertools.count():
        due = start + i / per_s
        if due > start + OPEN_S:
            break
        await asyncio.sleep(max(0, due - time.monotonic()))
        tasks.append(asyncio.create_task(client.send(due)))
    return await asyncio.gather(*tasks)


async def measure(port: int) -> tuple[float, float, list[Answer]]:
    """Measure the capacity, and then what becomes of `TIMES` that.

    Returns:
        The capacity, the rate offered, both in requests a second, and the answers.

    Raises:
        AnswerError: The service answers wrongly at rest.
    """
    client = Client(port)
    try:
        await client.learn()
        await find_capacity(client)  # a warm-up
        capacity = await find_capacity(client)
        return capacity, TIMES * capacity, await flood(client, TIMES * capacity)
    finally:
        client.close()


def main() -> int:
    """Measure and print a table.

    Returns:
        The exit status: 0 if all were answered 429, or 200 with the right pictures within the deadline.

    Raises:
        ServerError: The service does not start.
    """
    deadline_ms = Settings().deadline_ms
    with serve(OURS) as server:
        capacity, offered, answers = asyncio.run(measure(server.port))
    by_status = collections.defaultdict(list)
    for answer in answers:
        by_status[answer.status].append(answer.latency_s * 1000)
    rows = []
    for status, latencies in sorted(by_status.items()):
        p50 = statistics.median(latencies)
        p99 = statistics.quantiles(latencies, n=100)[98] if len(latencies) > 1 else latencies[0]
        rows.append((NAMES.get(status, status), len(latencies), f"{p50:.1f}", f"{p99:.1f}"))
    text = (
        f"{ROWS} vectors a request, one worker. Capacity {capacity:.0f} requests/s; "
        f"offered {offered:.0f} for {OPEN_S:.0f} s; deadline {deadline_ms} ms."
    )
    waits = sorted({answer.retry_after for answer in answers if answer.status == 429} - {None}, key=str)
    sys.stdout.write(describe(f"{TIMES} times too many", text) + "\n")
    sys.stdout.write(tabulate(("status", "requests", "p50 ms", "p99 ms"), rows))
    sys.stdout.write(f"\nRetry-After of the refused: {', '.join(map(str, waits))} s\n")
    return 0 if set(by_status) <= {200, 429} and max(by_status[200]) <= deadline_ms else 1


if __name__ == "__main__":
    sys.exit(main())
