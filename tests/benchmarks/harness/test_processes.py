"""That all processes of a server are found and counted."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from benchmarks.harness.processes import cpu_s, find_tree, memory_mb, peak_mb


@contextlib.contextmanager
def shell(script: str) -> Iterator[tuple[int, int]]:
    """Runs a script, which prints the id of one more process, in a session of its own; gives both ids."""
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            os.killpg(process.pid, 9)


def test_a_tree_holds_the_processes_below_it() -> None:
    with shell("sleep 600 & echo $!; wait") as (parent, child):
        assert set(find_tree(parent)) == {parent, child}
        assert {os.getpid(), parent, child} <= set(find_tree(os.getpid()))
        assert memory_mb(parent) > memory_mb(child) > 0


def test_a_tree_holds_the_orphans_of_its_session() -> None:
    with shell("sleep 600 >/dev/null & echo $!") as (parent, orphan):
        assert orphan in find_tree(parent)


def test_a_peak_is_of_the_process_alone_and_not_its_parents() -> None:
    with shell("sleep 600 & echo $!; wait") as (parent, child):
        assert peak_mb(parent) > peak_mb(child) > 0
        assert peak_mb(parent) < memory_mb(os.getpid())


def test_processor_time_counts_that_of_children() -> None:
    with shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done & wait; sleep 600 & echo $!; wait") as (
        parent,
        _,
    ):
        assert cpu_s(parent) >= 0.02
