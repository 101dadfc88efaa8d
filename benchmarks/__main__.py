"""Compares the service with its peers, in turn and for several rounds: `python -m benchmarks`.

The load comes from this machine too, over loopback, so throughput is that of both together; processor time
is the server's alone.
"""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys
from collections.abc import Sequence

from benchmarks.environments import ROOT, InstallError, find_version, install
from benchmarks.figures import Figures, find_median
from benchmarks.load import run_load
from benchmarks.peers import PEERS, Peer
from benchmarks.processes import cpu_s, memory_mb
from benchmarks.report import write_report
from benchmarks.servers import Server, ServerError, serve

NAMES = [peer.name for peer in PEERS]
WARM_UP_S, WARM_UP_CONNECTIONS = 2, 16


def main() -> int:
    """Runs the benchmark.

    Returns:
        The exit status: 0 if every peer was measured, else 1.
    """
    options = _parse_arguments()
    # Ended that way, it still ends the server that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    peers = [peer for peer in PEERS if peer.name in options.only and peer.name not in options.skip]
    try:
        for peer in peers:
            install(peer)
        rounds = [measure_all(peers, options.connections, options.seconds) for _ in range(options.rounds)]
    except (InstallError, ServerError) as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 1
    table = {
        peer.name: {n: find_median([each[peer.name][n] for each in rounds]) for n in options.connections}
        for peer in peers
    }
    settings = {"rounds": options.rounds, "seconds": options.seconds}
    write_report(options.output, table, {peer.name: find_version(peer) for peer in peers}, settings)
    sys.stdout.write((options.output / "results.md").read_text())
    return 0


def measure_all(
    peers: Sequence[Peer], connections: Sequence[int], seconds: float
) -> dict[str, dict[int, Figures]]:
    """Measures one round: each peer alone, one after the other.

    Args:
        peers: To measure.
        connections: Numbers of them to measure at.
        seconds: For each.

    Returns:
        The figures of each peer at each number of connections.
    """
    figures = {}
    for peer in peers:
        sys.stderr.write(f"{peer.name}\n")
        with serve(peer) as server:
            run_load(server.url, peer.body, WARM_UP_CONNECTIONS, min(seconds, WARM_UP_S))
            figures[peer.name] = {n: measure(server, n, seconds) for n in connections}
    return figures


def measure(server: Server, connections: int, seconds: float) -> Figures:
    """Measures one peer at one number of connections.

    Args:
        server: Of the peer.
        connections: Requests under way at once.
        seconds: For so long.

    Returns:
        What was measured.

    Raises:
        ServerError: The peer answers wrongly or not at all.
    """
    server.settle()
    server.check()
    before = cpu_s(server.pid)
    load = run_load(server.url, server.peer.body, connections, seconds)
    used = cpu_s(server.pid) - before
    if not load.requests:
        raise ServerError(f"{server.peer.name}: expected an answer in {seconds} s, received none")
    cpu_us = used / load.requests * 1e6
    return Figures(load.per_s, load.p50_ms, load.p99_ms, cpu_us, memory_mb(server.pid), load.errors)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3, help="of all peers, one after the other")
    parser.add_argument("--seconds", type=int, default=5, help="for each number of connections")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES)
    )
    parser.add_argument("--skip", nargs="+", choices=NAMES, default=[], metavar="NAME")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "benchmarks" / "results", help="folder")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
