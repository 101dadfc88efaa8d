"""Runs tests in a copy of the working tree: which are near a module, and which of them fail."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=line"]
# A fault of how the service starts is seen only by what starts it.
FAST, ALL = "(not slow or slow(alone=False)) and not mnist", "not mnist"
SUITE = "tests/service"
SYSTEM = "tests/service/system"
# A loop without an end is a fault that is seen: by what it computes, for which a busy machine takes longer,
# or, where it waits, by how long it takes.
CPU_S, WALL_S = 900, 3600
NO_TESTS = 5
# What a line begins with that names no test.
UNNAMED = "no test's failure"


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


def copy_tree(to: pathlib.Path) -> None:
    """Copy the working tree: what git knows, and what it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def run_tests(tree: pathlib.Path, tests: list[str], marks: str = FAST, failures: int = 1) -> list[str]:
    """Run tests in a copy of the tree.

    Args:
        tree: The copy.
        tests: Files, folders, or tests of them.
        marks: Those to run, as pytest has it.
        failures: So many may fail before the others are left out.

    Returns:
        The tests that failed, or in one line what came instead of an end; nothing if all passed.
    """
    process = subprocess.Popen(
        [*PYTEST, f"--maxfail={failures}", "-m", marks, *tests],
        cwd=tree,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    # For each process that it starts, too.
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_S, CPU_S))
    try:
        output, _ = process.communicate(timeout=WALL_S)
    except subprocess.TimeoutExpired:
        return [f"{UNNAMED}: no end after {WALL_S:g} s"]
    finally:
        _end(process)
    if process.returncode in (0, NO_TESTS):
        return []
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return [f"{UNNAMED}: no end after {CPU_S:g} s of a processor"]
    failed = re.findall(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", output, re.MULTILINE)
    return failed or [f"{UNNAMED}: pytest ended with {process.returncode}"]


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
