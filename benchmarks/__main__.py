"""Starts the shipped service and measures it: `python -m benchmarks`.

The load comes from this machine too, over loopback, so throughput is that of both together; CPU time per
request is the server's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

ROOT = pathlib.Path(__file__).parent.parent
DEADLINE_S = 60
BODY = {"z": [0.5, -1.0]}


@dataclasses.dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        pid: Of its process.
        url: Without a trailing slash.
        start_s: Seconds from process start to the first ready answer.
    """

    pid: int
    url: str
    start_s: float

    def cpu_s(self) -> float:
        """Gives the processor time used so far, user and system, in seconds."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Gives the resident memory in MB."""
        pages = int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclasses.dataclass(frozen=True)
class Round:
    """What one round of requests showed.

    Attributes:
        connections: Requests under way at once.
        per_s: Requests a second.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
        cpu_us: The server's processor time a request.
        errors: Answers that were not 200.
    """

    connections: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    errors: int


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Runs the service on a free port for as long as the context lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "CVAE_PORT": str(port), "CVAE_LOG_LEVEL": "warning"}
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url)
        yield Server(process.pid, url, time.monotonic() - start)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/ready").status_code == 200:
                return
        time.sleep(0.01)
    raise RuntimeError("the service did not become ready")


async def run_round(server: Server, connections: int, requests: int) -> Round:
    """Sends requests over some connections at once.

    Args:
        server: To send to.
        connections: Each sends its next request when its last is answered.
        requests: In all, a bound on the round.

    Returns:
        What was measured.
    """
    latencies: list[float] = []
    errors = 0

    async def client() -> None:
        nonlocal errors
        async with httpx.AsyncClient(base_url=server.url) as connection:
            for _ in range(requests // connections):
                start = time.perf_counter()
                answer = await connection.post("/decode", json=BODY)
                latencies.append(time.perf_counter() - start)
                errors += answer.status_code != 200

    cpu, start = server.cpu_s(), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    seconds, cpu = time.perf_counter() - start, server.cpu_s() - cpu
    percentiles = statistics.quantiles(latencies, n=100)
    return Round(
        connections,
        len(latencies) / seconds,
        percentiles[49] * 1e3,
        percentiles[98] * 1e3,
        cpu / len(latencies) * 1e6,
        errors,
    )


def main() -> int:
    """Measures and prints a table.

    Returns:
        The exit status: 0 if every answer was 200.
    """
    parser = argparse.ArgumentParser("benchmarks", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=4000, help="in each round")
    requests = parser.parse_args().requests
    with serve() as server:
        asyncio.run(run_round(server, 4, 200))
        rounds = [asyncio.run(run_round(server, connections, requests)) for connections in (1, 16, 64)]
        memory = server.memory_mb()
    write = sys.stdout.write
    write("POST /decode, one vector, PNG, one worker\n")
    write("| connections | requests/s | p50 ms | p99 ms | server CPU µs a request | errors |\n")
    write("| --- | --- | --- | --- | --- | --- |\n")
    for r in rounds:
        write(f"| {r.connections} | {r.per_s:.0f} | {r.p50_ms:.2f} | {r.p99_ms:.2f} ")
        write(f"| {r.cpu_us:.0f} | {r.errors} |\n")
    write(f"from process start to ready: {server.start_s:.2f} s; ")
    write(f"resident memory after the load: {memory:.0f} MB\n")
    return int(any(r.errors for r in rounds))


if __name__ == "__main__":
    sys.exit(main())
