"""Owns the soak: load for long, faulty clients beside it, and what becomes of answers, memory and loop.

Who makes the load and who misbehaves may be processes behind all others (`priority`), so that what is
measured is the service's, as far as one machine can have both. The probe is a thread of this process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.harness.markdown import describe, tabulate
from tests.reliability.faulty import Fault
from tests.reliability.priority import start
from tests.reliability.probe import Latencies, Probe, Sampler
from tests.reliability.reloads import Disturber
from tests.reliability.serving import Service
from tests.reliability.tables import list_faults
from tests.reliability.tally import LOST, Tally

MAX_PAUSE_MS = 50.0
MAX_GROWTH = 0.03
# Memory counts from then on: caches fill, and allocators find their size.
SETTLED_S = 300.0
FAULTY_CLIENTS = 24
END_S = 120.0
# The longest pauses that the page shows.
SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to soak.

    Attributes:
        seconds: How long.
        connections: Of the load.
        processes: That make it.
        faulty: Clients that misbehave; 0 for none.
        behind: Whether load and faulty clients get only those cores that the service leaves.
    """

    seconds: float
    connections: int = 32
    processes: int = 2
    faulty: int = FAULTY_CLIENTS
    behind: bool = False


@dataclasses.dataclass
class Result:
    """What a soak has found; `growth` is of memory, after it had settled."""

    tally: Tally
    misbehaved: Counter[str]
    faults: list[str]
    pause: Latencies
    settled_mb: float
    final_mb: float
    handles: tuple[int, int]
    seconds: float
    held: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def growth(self) -> float:
        """How much larger memory was at the end than once it had settled, as a share."""
        return self.final_mb / self.settled_mb - 1 if self.settled_mb else 0.0

    @property
    def all_faults(self) -> list[str]:
        """What was not as it must be, a line each."""
        found = list(self.tally.notes)
        fates = Counter(loss.fate for loss in self.tally.losses if loss.fate in LOST)
        found += [f"lost {fate}: {count}" for fate, count in fates.items()]
        found += self.faults
        if self.growth >= MAX_GROWTH:
            found.append(f"memory: expected growth below {MAX_GROWTH:.0%}, received {self.growth:.1%}")
        # There may be many, and only the first faults are shown.
        return found + [_word(pause) for pause in self.held if pause["wall_ms"] >= MAX_PAUSE_MS]


def soak(
    service: Service, references: pathlib.Path, plan: Plan, disturber: Disturber | None = None
) -> Result:
    """Soak a service.

    Args:
        service: Ready.
        references: The file of them.
        plan: How.
        disturber: Reloads models and kills workers meanwhile, if there is one.

    Returns:
        What was found.
    """
    begun = time.monotonic()
    with (
        Sampler(service) as sampler,
        Probe(service.port) as probe,
        _run_all(service.port, references, plan) as made,
    ):
        first = service.count_handles()
        with contextlib.nullcontext() if disturber is None else disturber.run(plan.seconds):
            tallies, misbehaved, faults, broken = _collect(made, plan)
        ended = time.monotonic()
    tally = Tally()
    for each in tallies:
        tally.add(each)
    errors = service.find_errors() if disturber is None else disturber.list_faults()
    failures = probe.failures
    if disturber is not None and disturber.killed:
        tally.losses, failures = disturber.forgive(tally.losses), []
        faults = disturber.forgive_faults(faults)
    # Memory of a process that came in another's place would look like growth.
    last_kill = max(disturber.killed, default=begun) if disturber else begun
    settled = last_kill + min(SETTLED_S, plan.seconds / 3)
    span = min(60.0, plan.seconds / 3)
    return Result(
        tally,
        misbehaved,
        [fault.text for fault in faults]
        + broken
        + [f"probe: {failure}" for failure in failures]
        + errors[:5],
        probe.summarise(begun),
        sampler.mean_mb(settled, settled + span),
        sampler.mean_mb(ended - span, ended),
        (first, service.count_handles()),
        ended - begun,
    )


Made = list[tuple[str, "subprocess.Popen[str]"]]


@contextlib.contextmanager
def _run_all(port: int, references: pathlib.Path, plan: Plan) -> Iterator[Made]:
    common = [f"--port={port}", f"--references={references}", f"--seconds={plan.seconds}"]
    made: Made = []

    def add(kind: str, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.reliability", name, *common, *arguments]
        made.append((kind, start(command, behind=plan.behind)))

    share, rest = divmod(plan.connections, plan.processes)
    try:
        for i in range(plan.processes):
            add("load", "load", f"--connections={share + (i < rest)}", f"--seed={i + 1}")
        if plan.faulty:
            add("faulty", "misbehave", f"--connections={plan.faulty}")
        yield made
    finally:
        for _, process in made:
            if process.poll() is None:
                process.kill()
            process.wait()


def _collect(made: Made, plan: Plan) -> tuple[list[Tally], Counter[str], list[Fault], list[str]]:
    tallies, misbehaved, faults, broken = [], Counter[str](), list[Fault](), list[str]()
    for kind, process in made:
        text, _ = process.communicate(timeout=plan.seconds + END_S)
        if process.returncode:
            broken.append(f"{kind}: expected exit status 0, received {process.returncode}")
        elif kind == "load":
            tallies.append(Tally.from_json(text))
        else:
            found: dict[str, Any] = json.loads(text)
            misbehaved.update(found["counts"])
            faults += [Fault(*fault) for fault in found["faults"]]
    return tallies, misbehaved, faults, broken


def _word(pause: dict[str, Any]) -> str:
    seen = " > ".join(pause["stack"]) or "what nobody saw"
    return (
        f"pause of the event loop: expected below {MAX_PAUSE_MS} ms, received {pause['wall_ms']:.0f}, "
        f"in which its thread computed {pause['cpu_ms']:.0f}; it ran {seen}"
    )


def list_longest(held: list[dict[str, Any]], key: str) -> str:
    """Return a figure of the longest pauses, the longest first."""
    return ", ".join(f"{pause[key]:.1f}" for pause in held[:SHOWN])


def describe_soak(result: Result, plan: Plan) -> str:
    """Return the page of a soak."""
    tally, fates = result.tally, result.tally.count_fates()
    rows: Sequence[tuple[str, object]] = [
        ("requests", f"{tally.requests:,}"),
        ("requests a second", f"{tally.requests / result.seconds:,.0f}"),
        ("answered, GB", f"{tally.answered_bytes / 1e9:.2f}"),
        ("connections", f"{tally.connections:,}"),
        ("right", f"{tally.verdicts['right']:,}"),
        ("wrong, short ones among them", tally.verdicts["wrong"]),
        ("unannounced 5xx", tally.verdicts["failed"]),
        ("busy (429, 503, 504)", ", ".join(f"{s}: {n}" for s, n in sorted(tally.statuses.items())) or 0),
        ("lost", sum(count for fate, count in fates.items() if fate in LOST)),
        ("misbehaviours beside it", f"{result.misbehaved.total():,}"),
        ("wrong to those who misbehaved", len(result.faults)),
        ("longest pause of the event loop, ms", list_longest(result.held, "wall_ms")),
        ("computed by its thread in these, ms", list_longest(result.held, "cpu_ms")),
        ("computed by all threads in these, ms", list_longest(result.held, "process_ms")),
        ("another client's longest, p50 and p99, ms", "{3:.1f}, {1:.1f}, {2:.1f}".format(*result.pause)),
        ("memory, settled and at the end, MB", f"{result.settled_mb:.0f}, {result.final_mb:.0f}"),
        ("its growth", f"{result.growth:.1%}"),
        ("handles, at the start and at the end", f"{result.handles[0]}, {result.handles[1]}"),
    ]
    text = f"{result.seconds / 60:.1f} minutes, {plan.connections} connections, {plan.faulty} misbehave."
    return describe("Soak", text) + "\n" + tabulate(("what", "found"), rows) + list_faults(result.all_faults)
