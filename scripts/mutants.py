"""Changes the service on purpose, one small fault at a time, and says which no test sees.

    python -m scripts.mutants -n 60 --seed 1 service/batching service/fastpath/handler.py

Each runs in a copy of the working tree: first the tests that mirror the module, also slow ones, then those
that name it, of its folder, and of the whole service, then all others, up to the first that fails; of these
the fast ones, and those that start programs.
What survives makes no difference, or lacks a test. For developers: slow, minutes for each survivor, and
nothing depends on it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable

from scripts.faults import Change, find_changes

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=line"]
# A fault of how the service starts is seen only by what starts it.
FAST, ALL = "(not slow or slow(alone=False)) and not mnist", "not mnist"
SUITE = "tests/service"
SYSTEM = "tests/service/system"
# A loop without an end is a fault that is seen: by how long it takes, of which a busy machine makes more.
TIMEOUT_S = 600.0
NO_TESTS = 5


def order_tests(path: pathlib.Path, tree: pathlib.Path) -> tuple[list[str], list[str]]:
    """Return the tests that mirror a module, and those near it: that name it, its users', its folder's."""
    name = re.compile(rf"\b{re.escape('.'.join(path.with_suffix('').parts))}\b|import {path.stem}\b")

    def naming(folder: str) -> list[pathlib.Path]:
        found = (file for file in sorted((tree / folder).rglob("*.py")) if name.search(file.read_text()))
        return [file.relative_to(tree) for file in found]

    mirrors = [
        pathlib.Path("tests", one.parent, f"test_{one.stem.strip('_')}.py") for one in naming("service")
    ]
    mirror = pathlib.Path("tests", path.parent, f"test_{path.stem.strip('_')}.py")
    rest = [file for file in naming(SUITE) if file.name.startswith("test_")] + mirrors
    folder = pathlib.Path("tests", path.parent)
    rest += [file.relative_to(tree) for file in sorted((tree / folder).glob("test_*.py"))]
    rest += [pathlib.Path(SYSTEM)]
    ordered = dict.fromkeys(str(file) for file in rest if (tree / file).exists() and file != mirror)
    return [str(mirror)] * (tree / mirror).exists(), list(ordered)


def run(change: Change, tree: pathlib.Path) -> str | None:
    """Run what may see a change in a copy of the tree; see `run_tests`."""
    file = tree / change.path
    source, times = file.read_text(), file.stat()
    mirror, near = order_tests(change.path, tree)
    # No time that a version before had: by it and the size, Python knows whether its bytecode is this one's.
    file.write_text(change.apply(source))
    others = [SUITE, *(f"--ignore={one}" for one in (*mirror, *near))]
    try:
        for tests, marks in ((mirror, ALL), (near, FAST), (others, FAST)):
            if tests and (seen := run_tests(tree, tests, marks)) is not None:
                return seen
        return None
    finally:
        file.write_text(source)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def copy_tree(to: pathlib.Path) -> None:
    """Copy the working tree: what git knows, and what it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def run_tests(tree: pathlib.Path, tests: list[str], marks: str = FAST) -> str | None:
    """Run tests in a copy of the tree.

    Returns:
        The test that failed, what else came instead of an end, or None if all passed.
    """
    process = subprocess.Popen(
        [*PYTEST, "-m", marks, *tests],
        cwd=tree,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"no end after {TIMEOUT_S:g} s"
    finally:
        _end(process)
    if process.returncode in (0, NO_TESTS):
        return None
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[-1].split(" - ")[0] if failed else f"pytest ended with {process.returncode}"


def _end(process: subprocess.Popen[str]) -> None:
    """End the tests, and the servers that they started and that a fault may have left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT if process.poll() is None else signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
        process.communicate(timeout=10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


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


def main() -> None:
    """Parse the command line, and print a line for each change and those that survived at the end."""
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
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = pathlib.Path(folder)
        copy_tree(tree)
        if not options.unchecked and (failed := run_tests(tree, [SUITE])) is not None:
            sys.exit(f"The tests fail as it is: {failed}")
        for change in changes:
            begun = time.monotonic()
            seen = run(change, tree)
            print(f"{change}\n    {seen or 'SURVIVED'} ({time.monotonic() - begun:.0f} s)", flush=True)
            survivors += [] if seen else [change]
    print(f"\n{len(changes) - len(survivors)} of {len(changes)} were seen; not:", *survivors, sep="\n  ")


if __name__ == "__main__":
    main()
