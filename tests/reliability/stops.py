"""Owns stopping the service under load, and telling which requests were lost by it.

Lost is a request sent on an open connection that gets no whole answer, and a connection refused or reset
before readiness has been 503 for `CVAE_DRAIN_MS`. What is refused after that is not lost, nor is an idle
connection that is closed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import re
import signal
import subprocess
import time
from collections.abc import Sequence

from tests.reliability.load import Load
from tests.reliability.references import Reference
from tests.reliability.serving import Service, ask_status, serve
from tests.reliability.tally import LOST, Loss, Tally

DRAIN_MS = 2000
# The load before the signal, and how long the process may take to end after it.
LOAD_S, EXIT_S = 2.0, 30.0
POLL_S = 0.01
CONNECTIONS = 16
# Pipelined requests behind an answer that says "close" are to be sent again: they are counted, and not lost.
STYLES = ("kept", "kept", "kept", "fresh", "pieces")


# Of health and of models, whose answers say that the service is stopping.
TELLING = re.compile(rb"^GET (/v2)?/(health|models)(/[^/]+)?(/ready)? ")
# Smaller answers are asked more often, so that there are many under way when the signal comes.
LIGHT_BYTES = 10_000


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to stop.

    Attributes:
        workers: Of the service.
        connections: Of the load.
        drain_ms: The setting of the service.
        number: Of the signal.
        load_s: Before the signal.
        styles: Of the load's sessions.
        settings: Further ones of the service.
    """

    workers: int = 1
    connections: int = CONNECTIONS
    drain_ms: int = DRAIN_MS
    number: int = signal.SIGTERM
    load_s: float = LOAD_S
    styles: Sequence[str] = STYLES
    settings: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Stop:
    """What a stop was like. Times are on the monotonic clock.

    Attributes:
        tally: Of the load.
        told: When the signal was sent.
        ready: When a request began that was last told that it is ready.
        unready: When readiness was first 503; None if never.
        relapses: How often it was 200 again after that.
        exit_s: From the signal to the process's end; None if it had to be killed.
        status: With which it ended.
        drained: From when on what is refused is not lost: readiness was 503 for so long, at the earliest.
        log: Lines of errors.
    """

    tally: Tally
    told: float = 0.0
    ready: float = 0.0
    unready: float | None = None
    relapses: int = 0
    exit_s: float | None = None
    status: int | None = None
    drained: float = 0.0
    log: list[str] = dataclasses.field(default_factory=list)

    def classify(self) -> dict[str, int]:
        """Return how many requests were lost, by how: `cut`, `unanswered`, `late`, `garbled` or `refused`.

        Two of a strict sense are told apart from the unanswered. `unaccepted` came on a new connection before
        the service had drained, and were reset with the port after that. `raced` were sent after that, on a
        connection that was open before, as it was closed.
        """
        found: dict[str, int] = {}
        for loss in self.tally.losses:
            if (kind := self._name(loss)) is not None:
                found[kind] = found.get(kind, 0) + 1
        return found

    def _name(self, loss: Loss) -> str | None:
        if loss.fate not in LOST:
            return None
        if loss.fate == "refused":
            return None if loss.sent >= self.drained else "refused"
        if loss.fate != "unanswered" or loss.ended < self.drained:
            return loss.fate
        if loss.opened >= self.drained:
            # Reset as soon as it was opened, it was refused.
            return None
        return "raced" if loss.sent >= self.drained else "unanswered" if loss.before else "unaccepted"

    @property
    def lost(self) -> int:
        """All of them."""
        return sum(self.classify().values())

    @property
    def faults(self) -> list[str]:
        """What was not as it must be, a line each."""
        found = [f"lost {kind}: {count}" for kind, count in self.classify().items()]
        bad = {verdict: self.tally.verdicts[verdict] for verdict in ("wrong", "failed")}
        found += [f"{verdict}: {count}: {self.tally.notes[:3]}" for verdict, count in bad.items() if count]
        if self.unready is None:
            found.append("readiness: expected 503 before the end, received none")
        if self.relapses:
            found.append(f"readiness: expected 503 to the end, received 200 again {self.relapses} times")
        if self.status != 0:
            found.append(f"exit status: expected 0, received {self.status}")
        return found + [f"log: {line}" for line in self.log[:3]]


def lighten(references: Sequence[Reference]) -> list[Reference]:
    """Return references for a load under which the service stops.

    What is large is asked the more seldom, and what says whether the service is ready, which changes, not.
    """
    references = [each for each in references if not TELLING.search(each.head)]
    sizes = (LIGHT_BYTES + len(each.body) + len(each.content) for each in references)
    weights = ((LIGHT_BYTES / size) ** 2 for size in sizes)
    return [
        dataclasses.replace(each, weight=each.weight * weight)
        for each, weight in zip(references, weights, strict=True)
    ]


def stop_once(folder: pathlib.Path, references: Sequence[Reference], plan: Plan, seed: int = 0) -> Stop:
    """Start the service, load it, stop it.

    Args:
        folder: That the log goes to.
        references: Of the load.
        plan: How.
        seed: Of the load.

    Returns:
        What it was like.
    """
    settings = {"CVAE_DRAIN_MS": str(plan.drain_ms), **plan.settings}
    with serve(folder, plan.workers, settings) as service:
        return asyncio.run(_stop(service, references, plan, seed))


async def _stop(service: Service, references: Sequence[Reference], plan: Plan, seed: int) -> Stop:
    load = Load(service.port, references, seed, plan.styles)
    stop = Stop(load.tally)
    running = asyncio.create_task(load.run(plan.connections))
    await asyncio.sleep(plan.load_s)
    polling = asyncio.create_task(_poll(service, stop))
    stop.told = time.monotonic()
    load.leaving = True
    service.signal(plan.number)
    try:
        stop.status = await asyncio.to_thread(service.process.wait, EXIT_S)
        stop.exit_s = time.monotonic() - stop.told
    except subprocess.TimeoutExpired:
        load.stop()
        service.process.kill()
    await running
    await polling
    stop.drained = max(stop.told, stop.ready) + plan.drain_ms / 1000
    stop.log = service.find_errors()
    return stop


async def _poll(service: Service, stop: Stop) -> None:
    """Ask for readiness on new connections until nobody listens."""
    while service.is_alive():
        begun = time.monotonic()
        status = await asyncio.to_thread(ask_status, service.port)
        if status == 503 and stop.unready is None:
            stop.unready = time.monotonic()
        elif status == 200 and stop.unready is None:
            stop.ready = begun
        elif status == 200:
            stop.relapses += 1
        await asyncio.sleep(POLL_S)
