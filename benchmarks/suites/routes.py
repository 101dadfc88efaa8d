"""Measure kinds of requests, of this version and of another, in turn.

Start it by `python -m benchmarks.suites.routes`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.harness.answers import NOT_MODIFIED, AnswerError, ask, check_shape
from benchmarks.harness.environments import ROOT
from benchmarks.harness.load import run_load
from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.processes import cpu_s
from benchmarks.harness.servers import Server, ServerError, serve
from benchmarks.peers import OURS, VECTOR, Peer

CONNECTIONS, ROUNDS, SECONDS = 16, 5, 3


class Kind(NamedTuple):
    """A kind of request.

    Attributes:
        what: It is.
        path: That is asked.
        shape: Of the pictures of the answer; a sheet is one.
        body: JSON to post; empty for a GET.
        cached: Whether the client has the picture already.
    """

    what: str
    path: str
    shape: tuple[int, int, int] = (1, 28, 28)
    body: str = ""
    cached: bool = False


KINDS = (
    Kind("POST /decode, a vector to a PNG", "/decode", body=VECTOR),
    Kind("GET /digits/7?seed=3", "/digits/7?seed=3"),
    Kind("GET /decode.png?z=0.5,-1.0", "/decode.png?z=0.5,-1.0"),
    Kind("the same, which the client has: 304", "/decode.png?z=0.5,-1.0", cached=True),
    Kind("GET /decode.png, four times as large", "/decode.png?z=0.5,-1.0&scale=4", (1, 112, 112)),
    Kind("GET /sample.png, a sheet of 16", "/sample.png?n=16&seed=1", (1, 112, 112)),
    Kind(
        "GET /interpolate.gif of 16 frames",
        "/interpolate.gif?from=digit:3&to=0.1,-0.4&steps=16",
        (16, 28, 28),
    ),
    Kind(
        "POST /decode, four vectors to JSON",
        "/decode?format=json",
        (4, 28, 28),
        '{"z":[[0,0],[0,1],[1,0],[1,1]]}',
    ),
)


class Found(NamedTuple):
    """Requests a second, and microseconds of the server's processor time for each."""

    per_s: float
    cpu_us: float


def measure_kinds(peer: Peer, seconds: int) -> dict[Kind, Found]:
    """Measure a service.

    Args:
        peer: Of this version or another.
        seconds: For each kind.

    Returns:
        What was found; kinds that it does not answer are left out.

    Raises:
        ServerError: It does not start, or fails under load.
    """
    with serve(peer) as server:
        run_load(server.url, VECTOR, server.check(), CONNECTIONS, 1)
        found = {kind: _measure(server, kind, seconds) for kind in KINDS}
    return {kind: each for kind, each in found.items() if each is not None}


def _measure(server: Server, kind: Kind, seconds: int) -> Found | None:
    url = f"http://127.0.0.1:{server.port}{kind.path}"
    answer = ask(url, kind.body)
    if answer.status >= 400:
        return None
    try:
        check_shape(answer, kind.shape)
    except AnswerError as error:
        raise ServerError(f"{kind.what}: {error}") from error
    server.settle()
    headers = [f"If-None-Match: {answer.tag}"] if kind.cached else []
    before = cpu_s(server.pid)
    expected = NOT_MODIFIED if kind.cached else answer
    load = run_load(url, kind.body, expected, CONNECTIONS, seconds, headers)
    if load.errors or not load.requests:
        raise ServerError(f"{kind.what}: expected answers, received {load.errors} errors")
    return Found(load.per_s, (cpu_s(server.pid) - before) / load.requests * 1e6)


@contextlib.contextmanager
def check_out(commit: str) -> Iterator[Peer]:
    """Lay out the service of a commit, to run on the packages that are installed.

    Args:
        commit: What git knows it by.

    Yields:
        The service.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "service", "models"],  # noqa: S607
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)  # noqa: S607
        yield dataclasses.replace(OURS, name=commit, folder=pathlib.Path(folder))


def main() -> int:
    """Measure and print a table.

    Returns:
        The exit status, 0.

    Raises:
        ServerError: A service does not start, or fails under load.
    """
    options = _parse_arguments()
    with contextlib.ExitStack() as stack:
        peers = [OURS, *(stack.enter_context(check_out(commit)) for commit in options.against)]
        rounds = [
            {peer.name: measure_kinds(peer, options.seconds) for peer in peers} for _ in range(options.rounds)
        ]
    sys.stdout.write(_describe(rounds, [peer.name for peer in peers], options))
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.suites.routes")
    parser.add_argument("--against", nargs="*", default=[], metavar="COMMIT", help="other versions")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each kind, in each round")
    return parser.parse_args()


def _describe(
    rounds: list[dict[str, dict[Kind, Found]]], names: list[str], options: argparse.Namespace
) -> str:
    text = (
        f"{CONNECTIONS} connections, one worker; medians of {options.rounds} rounds in turn, "
        f"{options.seconds} s each; the load takes a core as well. Ratios are of requests a second, by round."
    )
    head = ["request", "requests/s", "CPU µs"]
    for name in names[1:]:
        head += [f"{name}: requests/s", "CPU µs", "now, so many times"]
    rows = []
    for kind in KINDS:
        row: list[str] = [kind.what]
        for name in names:
            found = [each[name][kind] for each in rounds if kind in each[name]]
            row += _columns(found)
            if name != names[0]:
                ours = [each[names[0]][kind] for each in rounds]
                row.append(_ratio(ours, found))
        rows.append(row)
    return describe("Kinds of requests", text) + "\n" + tabulate(head, rows)


def _columns(found: list[Found]) -> list[str]:
    if not found:
        return ["", ""]
    per_s, cpu_us = (statistics.median(each) for each in zip(*found, strict=True))
    return [f"{per_s:.0f}", f"{cpu_us:.0f}"]


def _ratio(ours: list[Found], theirs: list[Found]) -> str:
    if not theirs:
        return ""
    ratios = [one.per_s / other.per_s for one, other in zip(ours, theirs, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"


if __name__ == "__main__":
    sys.exit(main())
