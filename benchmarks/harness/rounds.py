"""Measures every peer alone, round by round; one that fails stops no other."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.harness.environments import InstallError, install
from benchmarks.harness.figures import Figures, Table, find_median
from benchmarks.harness.load import run_load
from benchmarks.harness.processes import cpu_s, memory_mb
from benchmarks.harness.servers import Server, ServerError, serve
from benchmarks.peers import Peer

WARM_UP_S, WARM_UP_CONNECTIONS = 2, 16

T = TypeVar("T")


def measure_rounds(
    peers: Sequence[Peer], rounds: int, connections: Sequence[int], seconds: int
) -> tuple[Table, dict[str, str]]:
    """Install peers and measure them.

    Args:
        peers: To measure.
        rounds: Of all peers, one after the other.
        connections: Numbers of them to measure at.
        seconds: For each.

    Returns:
        The medians of the peers that never failed, and why each of the others did.
    """
    failures: dict[str, str] = {}
    act = functools.partial(measure_peer, connections=connections, seconds=seconds)
    try_each(peers, install, failures)
    measured = [try_each(peers, act, failures) for _ in range(rounds)]
    table = {
        peer.name: {n: find_median([each[peer.name][n] for each in measured]) for n in connections}
        for peer in peers
        if peer.name not in failures
    }
    return table, failures


def try_each(peers: Sequence[Peer], act: Callable[[Peer], T], failures: dict[str, str]) -> dict[str, T]:
    """Do something with each peer that has not failed.

    Args:
        peers: To do it with.
        act: What to do.
        failures: Why peers failed; those that now do are added.

    Returns:
        What came of it, by peer.
    """
    results = {}
    for peer in peers:
        if peer.name in failures:
            continue
        try:
            results[peer.name] = act(peer)
        except (InstallError, ServerError) as error:
            failures[peer.name] = str(error)
            sys.stderr.write(f"benchmarks: {peer.name}: {error}\n")
    return results


def measure_peer(peer: Peer, connections: Sequence[int], seconds: int) -> dict[int, Figures]:
    """Measure one peer.

    Args:
        peer: To start, measure and stop.
        connections: Numbers of them to measure at.
        seconds: For each.

    Returns:
        The figures at each number of connections.

    Raises:
        ServerError: The peer does not start, or answers wrongly or not at all.
    """
    sys.stderr.write(f"{peer.name}\n")
    with serve(peer) as server:
        run_load(server.url, peer.body, server.check(), WARM_UP_CONNECTIONS, min(seconds, WARM_UP_S))
        return {n: measure(server, n, seconds) for n in connections}


def measure(server: Server, connections: int, seconds: int) -> Figures:
    """Measure a server that runs.

    Args:
        server: Warm.
        connections: At one time.
        seconds: Of load.

    Returns:
        The figures.

    Raises:
        ServerError: It answers wrongly or not at all.
    """
    server.settle()
    expected = server.check()
    before = cpu_s(server.pid)
    load = run_load(server.url, server.peer.body, expected, connections, seconds)
    used = cpu_s(server.pid) - before
    if not load.requests:
        raise ServerError(f"expected an answer in {seconds} s, received none")
    cpu_us = used / load.requests * 1e6
    return Figures(load.per_s, load.p50_ms, load.p99_ms, cpu_us, memory_mb(server.pid), load.errors)
