"""Owns holding many idle connections, and what that costs the service and those who do ask."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import resource
import time
from collections.abc import Mapping

from benchmarks.harness.markdown import describe, tabulate
from tests.reliability.probe import Latencies, Probe
from tests.reliability.serving import Service, ask_status, serve
from tests.reliability.tables import list_faults
from tests.reliability.wire import Connection, CutError, connect

HELD_S = 5.0
AT_ONCE = 200
# Of the idle ones, so many wake up in the end and ask.
WAKING = 200
REQUEST = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
MAX_P99_MS = 100.0
FREED_S = 10.0
SPARE_HANDLES = 20


@dataclasses.dataclass
class Result:
    """What idle connections cost."""

    wanted: int
    opened: int = 0
    opening_s: float = 0.0
    closed: int = 0
    woken: int = 0
    answered: int = 0
    memory_mb: tuple[float, float] = (0.0, 0.0)
    handles: tuple[int, int, int] = (0, 0, 0)
    fresh: int = 0
    pause: Latencies = dataclasses.field(default_factory=Latencies)
    log: list[str] = dataclasses.field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What was not as it must be, a line each."""
        found = list(self.log)
        if self.opened < self.wanted:
            found.append(f"connections: expected {self.wanted}, received {self.opened}")
        if self.answered < self.woken:
            found.append(f"of those that woke up: expected {self.woken} answers, received {self.answered}")
        if self.closed:
            found.append(f"expected all to be kept for {HELD_S} s, but {self.closed} were closed")
        if self.fresh != 200:
            found.append(f"a new connection: expected 200, received {self.fresh}")
        if self.pause.p99_ms >= MAX_P99_MS:
            found.append(f"p99: expected below {MAX_P99_MS} ms, received {self.pause.p99_ms:.0f}")
        if self.handles[2] > self.handles[0] + SPARE_HANDLES:
            found.append(f"handles: expected {self.handles[0]} again, received {self.handles[2]}")
        return found


async def measure(folder: pathlib.Path, wanted: int, workers: int, settings: Mapping[str, str]) -> Result:
    """Start the service, hold idle connections to it, and wake some of them up.

    Args:
        folder: That the log goes to.
        wanted: Connections.
        workers: Of the service.
        settings: Of the service.

    Returns:
        What it cost.
    """
    # Both the service, which inherits it, and this process need a handle for each.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with serve(folder, workers, settings) as service:
        return await hold(service, wanted)


async def hold(service: Service, wanted: int) -> Result:
    """Hold idle connections to a service that runs; see `measure`."""
    result, before, handles = Result(wanted), service.memory_mb(), service.count_handles()
    begun = time.monotonic()
    connections = await _open(service.port, wanted)
    result.opened, result.opening_s = len(connections), time.monotonic() - begun
    try:
        with Probe(service.port) as probe:
            await asyncio.sleep(HELD_S)
        result.pause = probe.summarise()
        result.log = [*probe.failures, *service.find_errors()[:5]]
        result.memory_mb = before, service.memory_mb()
        held = service.count_handles()
        result.closed = sum(connection.ended is not None for connection in connections)
        result.fresh = await asyncio.to_thread(ask_status, service.port)
        woken = connections[:: max(1, len(connections) // WAKING)]
        result.woken = len(woken)
        result.answered = sum(await asyncio.gather(*map(_wake, woken)))
    finally:
        for connection in connections:
            connection.close()
    result.handles = handles, held, await _wait_until_freed(service, handles)
    return result


async def _open(port: int, wanted: int) -> list[Connection]:
    connections: list[Connection] = []
    for begin in range(0, wanted, AT_ONCE):
        some = await asyncio.gather(
            *(connect(port) for _ in range(min(AT_ONCE, wanted - begin))), return_exceptions=True
        )
        connections += [each for each in some if isinstance(each, Connection)]
    return connections


async def _wake(connection: Connection) -> bool:
    with contextlib.suppress(CutError, TimeoutError):
        async with asyncio.timeout(10):
            await connection.send(REQUEST)
            return (await connection.receive()).status == 200
    return False


async def _wait_until_freed(service: Service, handles: int) -> int:
    end = time.monotonic() + FREED_S
    while (left := service.count_handles()) > handles + SPARE_HANDLES and time.monotonic() < end:
        await asyncio.sleep(0.1)
    return left


def describe_idle(result: Result) -> str:
    """Return the page of idle connections."""
    each = (result.memory_mb[1] - result.memory_mb[0]) * 1e3 / max(1, result.opened)
    rows = [
        ("connections opened", f"{result.opened:,} in {result.opening_s:.1f} s"),
        ("closed by the service meanwhile", result.closed),
        ("answered when they woke up", f"{result.answered} of {result.woken}"),
        ("a new connection's status", result.fresh),
        ("memory before and with them, MB", f"{result.memory_mb[0]:.0f}, {result.memory_mb[1]:.0f}"),
        ("memory of each, kB", f"{each:.1f}"),
        ("handles before, with them and after", ", ".join(map(str, result.handles))),
        ("another client's p50, p99 and longest, ms", ", ".join(f"{ms:.1f}" for ms in result.pause[1:])),
    ]
    text = f"Held for {HELD_S:.0f} s without a request."
    return (
        describe("Idle connections", text)
        + "\n"
        + tabulate(("what", "found"), rows)
        + list_faults(result.faults)
    )
