"""Measure one worker and several, in turn: start, memory, throughput.

Start it by `python -m benchmarks.suites.workers`.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import sys
import time

from benchmarks.harness.load import run_load
from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.rounds import measure
from benchmarks.harness.servers import serve
from benchmarks.peers import OURS

ROUNDS, SECONDS, CONNECTIONS = 3, 5, 64


def measure_workers(workers: int) -> tuple[float, float, float, float]:
    """Measure the service with so many workers.

    Returns:
        Seconds from process start to the first right answer, to 0.1 s; requests a second; microseconds of
        processor time a request; MB of each worker after the load, shared pages in parts.

    Raises:
        ServerError: It does not start.
    """
    peer = dataclasses.replace(OURS, variables=(*OURS.variables, ("CVAE_WORKERS", str(workers))))
    begun = time.monotonic()
    with serve(peer) as server:
        start_s = time.monotonic() - begun
        run_load(server.url, peer.body, server.check(), CONNECTIONS, 1)
        figures = measure(server, CONNECTIONS, SECONDS)
        return start_s, figures.per_s, figures.cpu_us, figures.memory_mb / workers


def main() -> int:
    """Measure and print a table.

    Returns:
        The exit status, 0.

    Raises:
        ServerError: The service does not start.
    """
    counts = sorted({1, 2, len(os.sched_getaffinity(0))})
    rounds = [{count: measure_workers(count) for count in counts} for _ in range(ROUNDS)]
    rows = []
    for count in counts:
        columns = zip(*(each[count] for each in rounds), strict=True)
        start_s, per_s, cpu_us, memory = map(statistics.median, columns)
        rows.append((count, f"{start_s:.1f}", f"{per_s:.0f}", f"{cpu_us:.0f}", f"{memory:.0f}"))
    text = f"{CONNECTIONS} connections, medians of {ROUNDS} rounds in turn; the load takes a core as well."
    sys.stdout.write(describe("Workers", text) + "\n")
    sys.stdout.write(tabulate(("workers", "start s", "requests/s", "CPU µs a request", "MB a worker"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
