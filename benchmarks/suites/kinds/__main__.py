"""Starts the suite: `python -m benchmarks.suites.kinds`."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import signal
import sys
import tempfile
from collections.abc import Sequence

from benchmarks.harness.load import LoadError, require_wrk
from benchmarks.harness.servers import ServerError
from benchmarks.peers import OURS, Peer
from benchmarks.suites.kinds.catalogue import KINDS, NOTHING, Kind
from benchmarks.suites.kinds.page import write_page
from benchmarks.suites.kinds.rounds import EMPTY, Round, learn_kinds, measure_round

ROUNDS, SECONDS = 5, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table.

    Args:
        arguments: Of the command line; None: those of this process.

    Returns:
        The exit status: 0, or 1 without wrk.

    Raises:
        ServerError: A service does not start, or answers wrongly or not at all.
    """
    options = _parse(arguments)
    try:
        require_wrk()
    except LoadError as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 1
    # Ended that way, it still ends the servers that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kinds, peers = choose(options.only), [OURS]
    if options.tree:
        peers.append(dataclasses.replace(OURS, name=options.name, folder=options.tree.resolve()))
    rounds = measure_rounds(peers, kinds, options.rounds, options.seconds)
    sys.stdout.write(write_page(rounds, [peer.name for peer in peers], kinds, options.seconds))
    return 0


def measure_rounds(peers: Sequence[Peer], kinds: Sequence[Kind], rounds: int, seconds: int) -> list[Round]:
    """Learn what services answer at rest, and measure them in turn.

    Args:
        peers: The services; every other round takes them the other way round.
        kinds: To measure.
        rounds: Of all kinds.
        seconds: For each kind and service.

    Returns:
        What was seen in each round.

    Raises:
        ServerError: A service does not start, or answers wrongly or not at all.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        lessons = {peer.name: learn_kinds(peer, kinds, folder / peer.name) for peer in peers}
        if missing := [kind.name for kind in kinds if kind not in lessons[OURS.name]]:
            raise ServerError(f"expected an answer to each kind, received none to {', '.join(missing)}")
        lessons[EMPTY.name] = learn_kinds(EMPTY, [NOTHING], folder / EMPTY.name)
        return [measure_round(peers[:: -1 if i % 2 else 1], lessons, kinds, seconds) for i in range(rounds)]


def choose(words: Sequence[str]) -> list[Kind]:
    """Return the kinds that some words mean, all without words.

    Args:
        words: Each a kind's name, or a part of some.

    Raises:
        SystemExit: A word is in no name.
    """
    chosen = [kind for word in words for kind in _find(word)]
    return [kind for kind in KINDS if not words or kind in chosen]


def _find(word: str) -> list[Kind]:
    names = {kind.name.lower(): kind for kind in KINDS}
    if word.lower() in names:
        return [names[word.lower()]]
    found = [kind for name, kind in names.items() if word.lower() in name]
    if not found:
        sys.exit(f"benchmarks: --only: expected a part of a kind's name, received {word!r}")
    return found


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.suites.kinds")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each kind, in each round")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="names of kinds, or parts of some"
    )
    parser.add_argument("--tree", type=pathlib.Path, help="another checkout, to be measured in turn")
    parser.add_argument("--name", default="before", help="of the other checkout, in the table")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
