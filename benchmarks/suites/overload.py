"""Offers the service ten times what it can answer, at a steady rate: `python -m benchmarks.suites.overload`.

First requests of one kind, then of many kinds in turn. They are sent when they are due, whatever became of
those before, and their latency counts from then on.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.harness import answers
from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.series import Request
from benchmarks.harness.servers import serve
from benchmarks.peers import OURS
from benchmarks.suites.kinds.catalogue import NO_CACHE
from benchmarks.suites.kinds.checking import pictures, posterior, shape, sheet
from benchmarks.suites.kinds.making import draw, get, post, upload
from service.core.settings import Settings
from service.imaging.formats.npy import write_npy

TIMES = 10
CLOSED_CLIENTS, CLOSED_S, OPEN_S, PATIENCE_S = 4, 3.0, 10.0, 30.0
# Beside the statuses of HTTP: no answer, and one of status 200 that is not the reference.
LOST, WRONG = 0, -200
NAMES = {LOST: "lost", WRONG: "wrong"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A request that is sent over and over.

    Attributes:
        name: In the table.
        request: What is sent.
        check: Raises `AnswerError` if an answer, at rest, is not this request's.
    """

    name: str
    request: Request
    check: Callable[[answers.Answer, int], None]


def _post_vectors(n: int) -> Request:
    vectors = np.array(draw(0, n), np.float32)
    media_type = (("Content-Type", "application/x-npy"),)
    return Request("POST", "/decode?format=npy&dtype=uint8", write_npy(vectors), media_type)


ONE = (Kind("POST /decode, 1024 → npy", _post_vectors(1024), pictures(1024)),)
MIXED = (
    *ONE,
    Kind("GET /decode.png", get("/decode.png?z={z}")(0), pictures()),
    Kind(
        "POST /decode, 64 → sheet", post("/decode?columns=8", lambda i: {"z": draw(i, 64)})(0), sheet(64, 8)
    ),
    Kind("GET /sample.png, n=256", get("/sample.png?n=256&columns=16&seed={seed}")(0), shape(1, 448, 448)),
    Kind("GET /interpolate.gif, 64", get("/interpolate.gif?from=digit:3&to={z}&steps=64")(0), shape(64)),
    Kind("POST /encode, PNG 28 × 28", upload("/encode")(0), posterior),
    Kind("POST /encode, PNG 1120 × 1120", upload("/encode", 40)(0), posterior),
)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        kind: The name of the request's kind.
        status: HTTP's, or `LOST`, or `WRONG`.
        latency_s: From when it was due to its last byte.
        retry_after: The header of the same name, or None.
    """

    kind: str
    status: int
    latency_s: float
    retry_after: str | None


class Client:
    """Sends requests of some kinds in turn, on as many connections as are under way.

    Attributes:
        references: The bodies that answers of status 200 must have, by kind.
    """

    def __init__(self, port: int, kinds: Sequence[Kind] = ONE) -> None:
        """Store the port and the kinds, and make the requests."""
        self.references: list[bytes] = []
        self.port = port
        self._kinds = kinds
        self._requests = [kind.request.to_bytes() for kind in kinds]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._opened: list[asyncio.StreamWriter] = []

    async def send(self, i: int, due: float) -> Answer:
        """Send the request of a number.

        Args:
            i: Its number, which says of which kind it is.
            due: When it was to be sent, on the monotonic clock.

        Returns:
            What became of it.
        """
        at = i % len(self._kinds)
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, retry_after, body = await self._exchange(self._requests[at])
            if status == 200 and body != self.references[at]:
                status = WRONG
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status, retry_after = LOST, None
        return Answer(self._kinds[at].name, status, time.monotonic() - due, retry_after)

    async def learn(self) -> None:
        """Ask for each kind once, at rest, and check the answers: they are what all others must be.

        Raises:
            AnswerError: One has other pictures than it should, or fewer.
        """
        for kind, request in zip(self._kinds, self._requests, strict=True):
            status, _, body = await self._exchange(request)
            kind.check(answers.Answer(status, body), 0)
            self.references.append(body)

    async def _exchange(self, request: bytes) -> tuple[int, str | None, bytes]:
        reader, writer = self._idle.pop() if self._idle else await self._open()
        writer.write(request)
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
    numbers = itertools.count()

    async def ask() -> int:
        count, end = 0, time.monotonic() + CLOSED_S
        while time.monotonic() < end:
            answer = await client.send(next(numbers), time.monotonic())
            if answer.status == WRONG:
                raise answers.AnswerError(f"{answer.kind}: expected the same again, received other bytes")
            count += answer.status == 200
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
        tasks.append(asyncio.create_task(client.send(i, due)))
    return await asyncio.gather(*tasks)


async def measure(port: int, kinds: Sequence[Kind]) -> tuple[float, float, list[Answer]]:
    """Measure the capacity, and then what becomes of `TIMES` that.

    Returns:
        The capacity, the rate offered, both in requests a second, and the answers.

    Raises:
        AnswerError: The service answers wrongly at rest.
    """
    client = Client(port, kinds)
    try:
        await client.learn()
        await find_capacity(client)  # a warm-up
        capacity = await find_capacity(client)
        return capacity, TIMES * capacity, await flood(client, TIMES * capacity)
    finally:
        client.close()


def main() -> int:
    """Measure and print two tables.

    Returns:
        The exit status: 0 if all were answered 429, or 200 with the right bytes within the deadline.

    Raises:
        ServerError: The service does not start.
    """
    return max(
        _overload(f"{TIMES} times too many", ONE), _overload(f"{TIMES} times too many, of many kinds", MIXED)
    )


def _overload(title: str, kinds: Sequence[Kind]) -> int:
    deadline_ms = Settings().deadline_ms
    peer = dataclasses.replace(OURS, variables=(*OURS.variables, *NO_CACHE))
    with serve(peer) as server:
        capacity, offered, found = asyncio.run(measure(server.port, kinds))
    text = (
        f"One worker. Capacity {capacity:.0f} requests/s; "
        f"offered {offered:.0f} for {OPEN_S:.0f} s; deadline {deadline_ms} ms."
    )
    waits = sorted({answer.retry_after for answer in found if answer.status == 429} - {None}, key=str)
    sys.stdout.write(describe(title, text) + "\n")
    sys.stdout.write(tabulate(("kind", "status", "requests", "p50 ms", "p99 ms"), _list_rows(kinds, found)))
    sys.stdout.write(f"\nRetry-After of the refused: {', '.join(map(str, waits))} s\n\n")
    longest = max((answer.latency_s for answer in found if answer.status == 200), default=0.0)
    return 0 if {answer.status for answer in found} <= {200, 429} and longest * 1000 <= deadline_ms else 1


def _list_rows(kinds: Sequence[Kind], found: Iterable[Answer]) -> list[tuple[object, ...]]:
    latencies_ms = collections.defaultdict(list)
    for answer in found:
        for kind in {answer.kind, "all"} if len(kinds) > 1 else {answer.kind}:
            latencies_ms[kind, answer.status].append(answer.latency_s * 1000)
    order = [*(kind.name for kind in kinds), "all"]
    rows: list[tuple[object, ...]] = []
    for (kind, status), taken in sorted(
        latencies_ms.items(), key=lambda row: (order.index(row[0][0]), row[0][1])
    ):
        p99 = statistics.quantiles(taken, n=100)[98] if len(taken) > 1 else taken[0]
        rows.append(
            (kind, NAMES.get(status, status), len(taken), f"{statistics.median(taken):.1f}", f"{p99:.1f}")
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
