"""Owns sending what once stopped the process: each must be refused, soon, cheaply, and unseen by others."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import sys
import time
from collections.abc import Mapping, Sequence

from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.processes import find_tree, peak_mb
from tests.reliability.hostile import BOMBS, LIMIT_S, SOON_S, Bomb
from tests.reliability.probe import Latencies, Probe
from tests.reliability.serving import PROC, Service, ask_status, serve
from tests.reliability.tables import list_faults
from tests.reliability.wire import CutError, FramingError, connect

MAX_P99_MS, MAX_MB = 100.0, 250.0
# What a probe sees before and behind the bomb is no part of it, but a few of its turns must be.
AROUND_S = 0.2
ENDED, NOTHING = 0, -1


@dataclasses.dataclass
class Result:
    """What a bomb did.

    Attributes:
        name: Its name.
        within_s: In which it was to be refused.
        statuses: Of the answers; `ENDED` where the connection was ended without, `NOTHING` where none came.
        seconds: Until the last of them.
        memory_mb: By which the service's peak rose.
        others: What another client saw meanwhile.
        after: The status of a request after it.
        log: Lines of errors.
    """

    name: str
    within_s: float
    statuses: list[int]
    seconds: float
    memory_mb: float
    others: Latencies
    after: int
    log: list[str]

    @property
    def faults(self) -> list[str]:
        """What was not as it must be, a line each."""
        found = []
        if wrong := [status for status in self.statuses if not _is_refusal(status)]:
            found.append(f"expected a refusal, received {sorted(set(wrong))}")
        if self.seconds > self.within_s:
            found.append(f"expected an end within {self.within_s} s, received it after {self.seconds:.1f}")
        if self.others.p99_ms >= MAX_P99_MS:
            found.append(f"another's p99: expected below {MAX_P99_MS} ms, received {self.others.p99_ms:.0f}")
        if self.memory_mb >= MAX_MB:
            found.append(f"memory: expected below {MAX_MB} MB more, received {self.memory_mb:.0f}")
        if self.after != 200:
            found.append(f"a request after it: expected 200, received {self.after}")
        return [f"{self.name}: {fault}" for fault in (*found, *self.log)]


def _is_refusal(status: int) -> bool:
    return status == ENDED or 400 <= status < 500 or status in (503, 504)


def measure(
    folder: pathlib.Path, only: Sequence[str], workers: int, settings: Mapping[str, str]
) -> list[Result]:
    """Start the service anew for each bomb, so that none feels another, and send it.

    Args:
        folder: That logs go to.
        only: Names; none: all.
        workers: Of the service.
        settings: Of the service.

    Returns:
        What each did.
    """
    results = []
    for name, bomb in BOMBS.items():
        if only and not any(part in name for part in only):
            continue
        with serve(folder, workers, settings) as service:
            results.append(send_bomb(service, name, bomb))
        sys.stderr.write(f"{name}: {results[-1].faults or 'refused'}\n")
    return results


def send_bomb(service: Service, name: str, bomb: Bomb) -> Result:
    """Send a bomb to a service that runs, and watch it from another connection."""
    data = bomb.make()
    before = _reset_peak(service)
    with Probe(service.port) as probe:
        time.sleep(AROUND_S)
        begun = time.monotonic()
        statuses = asyncio.run(_send(service.port, data, bomb))
        seconds = time.monotonic() - begun
        if NOTHING in statuses:
            # It may be busy for hours.
            service.process.kill()
        time.sleep(AROUND_S)
    after = ask_status(service.port, timeout_s=LIMIT_S)
    grown = max(0.0, peak_mb(service.process.pid) - before)
    log = [*probe.failures[:3], *service.find_errors()[:3]]
    return Result(
        name, bomb.within_s, statuses, seconds, grown, probe.summarise(begun - AROUND_S), after, log
    )


async def _send(port: int, data: bytes, bomb: Bomb) -> list[int]:
    return list(await asyncio.gather(*(_send_one(port, data, bomb.within_s) for _ in range(bomb.times))))


async def _send_one(port: int, data: bytes, within_s: float) -> int:
    try:
        connection = await connect(port)
    except OSError:
        return NOTHING
    sending = asyncio.create_task(connection.send(data))
    try:
        async with asyncio.timeout(within_s + SOON_S):
            return (await connection.receive()).status
    except (CutError, FramingError):
        return ENDED
    except TimeoutError:
        return NOTHING
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, CutError):
            await sending
        connection.abort()


def _reset_peak(service: Service) -> float:
    for pid in find_tree(service.process.pid):
        with contextlib.suppress(OSError):
            (PROC / str(pid) / "clear_refs").write_text("5")
    return peak_mb(service.process.pid)


def describe_bombs(results: Sequence[Result]) -> str:
    """Return the page of bombs."""
    words = {ENDED: "ended", NOTHING: "nothing"}
    rows = []
    for result in results:
        answers = ", ".join(str(words.get(status, status)) for status in sorted(set(result.statuses)))
        ms = f"{result.others.p99_ms:.1f}", f"{result.others.longest_ms:.0f}"
        rows.append((result.name, answers, f"{result.seconds:.2f}", f"{result.memory_mb:.0f}", *ms))
    head = ("what was sent", "answer", "s", "MB more", "another's p99 ms", "longest")
    text = f"Each to a service of its own; {os.cpu_count()} cores are shared with who sends."
    faults = [fault for result in results for fault in result.faults]
    return describe("Bombs", text) + "\n" + tabulate(head, rows) + list_faults(faults, 60)
