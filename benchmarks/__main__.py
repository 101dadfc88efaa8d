"""Compares the service with its peers, in turn and for several rounds: `python -m benchmarks`.

The load comes from this machine too, over loopback, so throughput is that of both together; processor time
is the server's alone.
"""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys

from benchmarks.harness.environments import ROOT, find_version
from benchmarks.harness.load import LoadError, require_wrk
from benchmarks.harness.report import write_report
from benchmarks.harness.rounds import measure_rounds
from benchmarks.peers import PEERS

NAMES = [peer.name for peer in PEERS]


def main() -> int:
    """Run the benchmark.

    Returns:
        The exit status: 0 if every peer was measured, else 1.
    """
    options = _parse_arguments()
    try:
        require_wrk()
    except LoadError as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 1
    # Ended that way, it still ends the server that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    peers = [peer for peer in PEERS if peer.name in options.only and peer.name not in options.skip]
    table, failures = measure_rounds(peers, options.rounds, options.connections, options.seconds)
    if not table:
        return 1
    versions = {peer.name: find_version(peer) for peer in peers if peer.name in table}
    settings = {"rounds": options.rounds, "seconds": options.seconds}
    write_report(options.output, table, versions, settings, failures)
    sys.stdout.write((options.output / "results.md").read_text())
    return 1 if failures else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=_positive, default=3, help="of all peers, one after the other")
    parser.add_argument("--seconds", type=_positive, default=5, help="for each number of connections")
    parser.add_argument("--connections", type=_positive, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES)
    )
    parser.add_argument("--skip", nargs="+", choices=NAMES, default=[], metavar="NAME")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "benchmarks" / "results", help="folder")
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a positive whole number, received {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
