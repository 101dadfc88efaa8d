"""Changes the service on purpose, one small fault at a time, and says which no test sees.

    python -m scripts.mutants -n 60 --seed 1 service/batching service/fastpath/handler.py

Each runs alone in a copy of the working tree: first the tests that mirror the module, also slow ones, then
those that name it, of its folder, and of the whole service, up to the first that fails; of these the fast
ones, and those that start programs. What none of them sees meets all tests of the service: all such faults
at one time, each with those tests alone that fail then.
What survives makes no difference, or lacks a test. For developers: slow, and nothing depends on it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence

from scripts.faults import Change, find_changes
from scripts.suite_runs import ALL, FAST, ROOT, SUITE, UNNAMED, copy_tree, order_tests, run_tests

# Tests that may fail before all faults that are tried together are tried with them.
TOGETHER = 12
TURNS = itertools.count(1)


@contextlib.contextmanager
def apply(changes: Sequence[Change], tree: pathlib.Path) -> Iterator[None]:
    """Have the modules of a copy of the tree changed for a while, of which no change may meet another."""
    kept = {tree / change.path: (tree / change.path).read_text() for change in changes}
    times = {file: file.stat() for file in kept}
    # The last first: it leaves the others where they are.
    for change in sorted(changes, key=lambda change: -change.start):
        file = tree / change.path
        file.write_text(change.apply(file.read_text()))
    # A time that no version before had: by its second and the size, Python tells whether bytecode is right.
    later = 1_000_000_000 * next(TURNS)
    for file in kept:
        os.utime(file, ns=(times[file].st_atime_ns, times[file].st_mtime_ns + later))
    try:
        yield
    finally:
        for file, source in kept.items():
            file.write_text(source)
            os.utime(file, ns=(times[file].st_atime_ns, times[file].st_mtime_ns))


def try_near(change: Change, tree: pathlib.Path) -> str | None:
    """Return which of the tests near a changed module fails, or how they ended; None: they pass."""
    mirror, near = order_tests(change.path, tree)
    with apply([change], tree):
        for tests, marks in ((mirror, ALL), (near, FAST)):
            if tests and (failed := run_tests(tree, tests, marks)):
                return failed[0]
    return None


def try_together(changes: Sequence[Change], tree: pathlib.Path) -> Iterator[tuple[Change, str]]:
    """Yield those of several changes that some test of the service sees, each with that test."""
    left = list(changes)
    while left:
        together = _keep_apart(left)
        with apply(together, tree):
            failed = run_tests(tree, [SUITE], failures=TOGETHER)
        seen = _find_seen(together, failed, tree) if failed else {}
        yield from seen.items()
        done = seen or together
        left = [change for change in left if change not in done]


def _find_seen(changes: Sequence[Change], failed: Iterable[str], tree: pathlib.Path) -> dict[Change, str]:
    """Return those of changes that are seen alone, by the files of tests that failed with all, or by any."""
    files = dict.fromkeys(test.partition("::")[0] for test in failed if not test.startswith(UNNAMED))
    seen = dict(_try_each(changes, list(files), tree)) if files else {}
    # If it takes two of them to make those fail, each meets all tests.
    return seen or dict(_try_each(changes, [SUITE], tree))


def _keep_apart(changes: Iterable[Change]) -> list[Change]:
    """Return as many changes as there are, the first of those that meet."""
    apart: list[Change] = []
    for one in changes:
        if not any(
            one.path == other.path and one.start < other.end and other.start < one.end for other in apart
        ):
            apart.append(one)
    return apart


def _try_each(
    changes: Iterable[Change], tests: list[str], tree: pathlib.Path
) -> Iterator[tuple[Change, str]]:
    for change in changes:
        with apply([change], tree):
            failed = run_tests(tree, tests)
        if failed:
            yield change, failed[0]


def draw(modules: list[pathlib.Path], n: int, seed: int) -> list[Change]:
    """Return n changes of modules, drawn from all there are, in the order of the modules."""
    changes = [change for path in modules for change in find_changes(path, (ROOT / path).read_text())]
    return sorted(random.Random(seed).sample(changes, min(n, len(changes))))  # noqa: S311


def find_modules(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Return files, and in place of folders what modules are in them."""
    found = (
        sorted((ROOT / path).rglob("*.py")) if (ROOT / path).is_dir() else [ROOT / path] for path in paths
    )
    return [file.relative_to(ROOT) for files in found for file in files]


def changed_since(commit: str) -> list[pathlib.Path]:
    """Return the service's modules that differ from a commit's."""
    command = ["git", "diff", "--name-only", "--diff-filter=d", commit, "--", "service/*.py"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [pathlib.Path(name) for name in listed.splitlines()]


def try_all(changes: Sequence[Change], tree: pathlib.Path) -> list[Change]:
    """Print a line for each change; return those that no test sees."""
    unseen = []
    for change in changes:
        begun = time.monotonic()
        seen = try_near(change, tree)
        print(f"{change}\n    {seen or 'NOT YET SEEN'} ({time.monotonic() - begun:.0f} s)", flush=True)
        unseen += [] if seen else [change]
    for change, seen in try_together(unseen, tree):
        print(f"{change}\n    {seen}", flush=True)
        unseen.remove(change)
    return unseen


def main() -> None:
    """Parse the command line, and print what survived at the end."""
    parser = argparse.ArgumentParser(description="Say which small faults no test sees.")
    parser.add_argument("modules", nargs="*", type=pathlib.Path, help="files or folders of service/")
    parser.add_argument("--since", default="HEAD~20", help="without modules: those changed since")
    parser.add_argument("-n", type=int, default=60, help="number of changes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--unchecked", action="store_true", help="take for granted that all tests pass as it is"
    )
    options = parser.parse_args()
    modules = find_modules(options.modules) or changed_since(options.since)
    changes = draw(modules, options.n, options.seed)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = pathlib.Path(folder)
        copy_tree(tree)
        if not options.unchecked and (failed := run_tests(tree, [SUITE])):
            sys.exit(f"The tests fail as it is: {failed[0]}")
        survivors = try_all(changes, tree)
    print(f"\n{len(changes) - len(survivors)} of {len(changes)} were seen; not:", *survivors, sep="\n  ")


if __name__ == "__main__":
    main()
