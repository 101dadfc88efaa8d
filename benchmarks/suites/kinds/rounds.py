"""Loads services with the kinds of requests in turn, and the empty endpoint after each."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.harness.load import LoadError
from benchmarks.harness.processes import cpu_s
from benchmarks.harness.series import Series, run_series
from benchmarks.harness.servers import Server, ServerError, serve
from benchmarks.peers import PEERS, Peer
from benchmarks.suites.kinds.catalogue import NOTHING, Kind
from benchmarks.suites.kinds.references import learn

CONNECTIONS, WARM_UP_S = 16, 1
# On the packages that the service has, not in an environment of its own.
EMPTY = dataclasses.replace(next(peer for peer in PEERS if peer.name == "empty"), environment=None)


class Found(NamedTuple):
    """What was seen of one kind in one round.

    Attributes:
        per_s: Requests a second.
        cpu_us: Processor time of the server a request.
        ratio: Requests a second, so many times those of the empty endpoint right after it.
    """

    per_s: float
    cpu_us: float
    ratio: float = 1.0


# What each service is asked, and what it shows in a round, by name and kind.
Lessons = Mapping[str, Mapping[Kind, Series]]
Round = Mapping[str, Mapping[Kind, Found]]


def learn_kinds(peer: Peer, kinds: Sequence[Kind], folder: pathlib.Path) -> dict[Kind, Series]:
    """Learn from a service at rest what it is to answer.

    Args:
        peer: The service.
        kinds: To ask for.
        folder: For the files.

    Returns:
        A series for each kind that it answers.

    Raises:
        ServerError: It does not start, or an answer is wrong.
    """
    sys.stderr.write(f"{peer.name}: references\n")
    lessons = {}
    with contextlib.ExitStack() as stack:
        servers = start_each(stack, peer, kinds)
        for i, kind in enumerate(kinds):
            series = learn(servers[kind.variables].port, kind, folder / str(i))
            if series:
                lessons[kind] = series
    return lessons


def start_each(
    stack: contextlib.ExitStack, peer: Peer, kinds: Sequence[Kind]
) -> dict[tuple[tuple[str, str], ...], Server]:
    """Start a service once for each environment that kinds want, until the stack is closed."""
    return {
        variables: stack.enter_context(
            serve(dataclasses.replace(peer, variables=(*peer.variables, *variables)))
        )
        for variables in dict.fromkeys(kind.variables for kind in kinds)
    }


def measure_round(peers: Sequence[Peer], lessons: Lessons, kinds: Sequence[Kind], seconds: int) -> Round:
    """Measure each kind on each service, and the empty endpoint after them.

    Args:
        peers: The services.
        lessons: Of them and of the empty endpoint.
        kinds: To measure.
        seconds: For each.

    Returns:
        What was seen; kinds that a service does not answer are left out.

    Raises:
        ServerError: A service does not start, or answers wrongly or not at all.
    """
    found: dict[str, dict[Kind, Found]] = {peer.name: {} for peer in peers}
    with contextlib.ExitStack() as stack:
        servers = {peer.name: start_each(stack, peer, kinds) for peer in peers}
        empty = stack.enter_context(serve(EMPTY))
        for kind in kinds:
            for name in found:
                if kind in lessons[name]:
                    found[name][kind] = measure(servers[name][kind.variables], kind, lessons[name], seconds)
            base = measure(empty, NOTHING, lessons[EMPTY.name], seconds)
            for rows in found.values():
                if kind in rows:
                    rows[kind] = rows[kind]._replace(ratio=rows[kind].per_s / base.per_s)
    return found


def measure(server: Server, kind: Kind, lessons: Mapping[Kind, Series], seconds: int) -> Found:
    """Measure one kind on one server, after a second that does not count.

    Raises:
        ServerError: It answers wrongly or not at all.
    """
    try:
        # Each kind runs other code, and the first of them what all have in common.
        run_series(server.port, lessons[kind], CONNECTIONS, WARM_UP_S)
        server.settle()
        before = cpu_s(server.pid)
        load = run_series(server.port, lessons[kind], CONNECTIONS, seconds)
    except LoadError as error:
        raise ServerError(f"{server.peer.name}: {kind.name}: {error}") from error
    if load.errors or not load.requests:
        raise ServerError(f"{kind.name}: expected answers, received {load.requests}, {load.errors} errors")
    return Found(load.per_s, (cpu_s(server.pid) - before) / load.requests * 1e6)
