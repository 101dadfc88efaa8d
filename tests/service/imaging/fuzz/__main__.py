"""Fuzz the readers of pictures: `python -m tests.service.imaging.fuzz -n 1000000 --seed 1`."""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import os
import resource
import sys
import time
import warnings
from multiprocessing.connection import Connection
from typing import Any

from tests.service.imaging.fuzz import reading
from tests.service.imaging.fuzz.seeds import OPTIONS

# Files that a process reads before another takes its place.
PIECE = 2000
MAX_MEMORY_BYTES = 3 * 2**30
# Formats that the service decodes in a process of its own, whose end is a 400.
MAY_CRASH = ("WEBP", "TIFF", "AVIF", "HEIF")


def main() -> int:
    """Read so many mutated files, and return 1 if any was neither read nor refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1_000_000, help="how many files, of all formats together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(OPTIONS), default=list(OPTIONS))
    options = parser.parse_args()
    faults: list[str] = []
    for kind in options.only:
        found, crashes, seconds = fuzz(kind, options.seed, options.n // len(options.only))
        faults += found.faults + [f"{crash}: the process ended" for crash in crashes if kind not in MAY_CRASH]
        outcomes = ", ".join(f"{count} {name}" for name, count in found.outcomes.most_common())
        sys.stdout.write(
            f"{kind}: {outcomes}; slowest {found.slowest_s * 1000:.0f} ms; {len(crashes)} crashes; "
            f"{seconds:.0f} s\n"
        )
        sys.stdout.flush()
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return bool(faults)


def fuzz(kind: str, seed: int, count: int) -> tuple[reading.Found, list[str], float]:
    """Return what came of files of a format, those that ended a process, and the seconds that it took."""
    whole, crashes, begun, start = reading.Found(), [], time.monotonic(), 0
    while start < count:
        found, last = _run(kind, seed, start, min(PIECE, count - start))
        if found is None:
            crashes.append(f"{kind} {seed} {last}")
            found, _ = _run(kind, seed, start, last - start)
            start = last + 1
        else:
            start = last + 1
        if found is not None:
            whole.outcomes += found.outcomes
            whole.faults += found.faults
            whole.slowest_s = max(whole.slowest_s, found.slowest_s)
    return whole, crashes, time.monotonic() - begun


def _run(kind: str, seed: int, start: int, count: int) -> tuple[reading.Found | None, int]:
    """Read files in a process; None if it ended by itself, and the index of the last file that it began."""
    if not count:
        return reading.Found(collections.Counter()), start
    context = multiprocessing.get_context("fork")
    last: Any = context.Value("q", start, lock=False)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(kind, seed, start, count, last, sender))
    process.start()
    sender.close()
    try:
        found: reading.Found | None = receiver.recv()
    except EOFError:
        found = None
    process.join()
    return found, int(last.value)


def _read(kind: str, seed: int, start: int, count: int, last: Any, sender: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What libraries write about damaged files.
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def begin(index: int) -> None:
        last.value = index

    sender.send(reading.read_many(kind, seed, start, count, begin))


if __name__ == "__main__":
    sys.exit(main())
