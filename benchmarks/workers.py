"""Measures one worker and several, in turn: start, memory, throughput: `python -m benchmarks.workers`."""

from __future__ import annotations

import dataclasses
import os
import statistics
import sys
import time
from typing import NamedTuple

from benchmarks.load import run_load
from benchmarks.machine import describe_machine
from benchmarks.peers import OURS
from benchmarks.processes import cpu_s, memory_mb
from benchmarks.servers import serve

ROUNDS, SECONDS, CONNECTIONS = 3, 5, 64


class Figures(NamedTuple):
    """What so many workers showed.

    Attributes:
        start_s: From process start to the first right answer, to 0.1 s.
        per_s: Requests a second.
        cpu_us: Processor time a request.
        memory_mb: Of each worker, after the load; shared pages in parts.
    """

    start_s: float
    per_s: float
    cpu_us: float
    memory_mb: float


def measure(workers: int) -> Figures:
    """Measures the service with so many workers.

    Raises:
        ServerError: It does not start.
    """
    peer = dataclasses.replace(OURS, variables=(*OURS.variables, ("CVAE_WORKERS", str(workers))))
    begun = time.monotonic()
    with serve(peer) as server:
        start_s = time.monotonic() - begun
        run_load(server.url, peer.body, CONNECTIONS, 1)
        server.settle()
        before = cpu_s(server.pid)
        load = run_load(server.url, peer.body, CONNECTIONS, SECONDS)
        cpu_us = (cpu_s(server.pid) - before) / load.requests * 1e6
        return Figures(start_s, load.per_s, cpu_us, memory_mb(server.pid) / workers)


def main() -> int:
    """Measures and prints a table.

    Returns:
        The exit status, 0.

    Raises:
        ServerError: The service does not start.
    """
    counts = sorted({1, 2, len(os.sched_getaffinity(0))})
    rounds = [{count: measure(count) for count in counts} for _ in range(ROUNDS)]
    machine, write = describe_machine(), sys.stdout.write
    write(f"# Workers\n\n{machine['cpu']}, {machine['cores']} cores, {machine['date']}; ")
    write(
        f"{CONNECTIONS} connections, medians of {ROUNDS} rounds in turn; the load takes a core as well.\n\n"
    )
    write("| workers | start s | requests/s | CPU µs a request | MB a worker |\n")
    write("| --- | --- | --- | --- | --- |\n")
    for count in counts:
        columns = zip(*(each[count] for each in rounds), strict=True)
        start_s, per_s, cpu_us, memory = map(statistics.median, columns)
        write(f"| {count} | {start_s:.1f} | {per_s:.0f} | {cpu_us:.0f} | {memory:.0f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
