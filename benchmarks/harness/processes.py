"""Reads from /proc what a process and all that it started have used."""

from __future__ import annotations

import contextlib
import os
import pathlib

PROC = pathlib.Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, counted behind the command's name.
PARENT, SESSION, TIMES = 1, 3, slice(11, 15)


def find_tree(root: int) -> dict[int, float]:
    """Find a process, its descendants, and the orphans of its session.

    Args:
        root: The process's id.

    Returns:
        Processor time of each in seconds, user and system, with that of the children it has reaped.
    """
    stats = dict(_read_stats())
    tree = {pid for pid, stat in stats.items() if pid == root or int(stat[SESSION]) == root}
    while more := {pid for pid, stat in stats.items() if int(stat[PARENT]) in tree} - tree:
        tree |= more
    return {pid: sum(map(int, stats[pid][TIMES])) / TICKS_PER_S for pid in tree}


def _read_stats() -> list[tuple[int, list[str]]]:
    stats = []
    for folder in PROC.iterdir():
        # A process may end at any moment.
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                stat = (folder / "stat").read_text()
                stats.append((int(folder.name), stat.rpartition(")")[2].split()))
    return stats


def cpu_s(root: int) -> float:
    """Return the processor time that a process and its descendants have used, in seconds."""
    return sum(find_tree(root).values())


def memory_mb(root: int) -> float:
    """Return the memory of a process and its descendants in MB; shared pages once, if /proc says."""
    return sum(_memory_kb(pid) for pid in find_tree(root)) * 1024 / 1e6


def peak_mb(root: int) -> float:
    """Return the most memory that each process of a tree has had, in MB, all together.

    `ru_maxrss` says the same of one process, but Linux starts it at the peak of the process's parent.
    """
    peak_kb = 0.0
    for pid in find_tree(root):
        with contextlib.suppress(OSError):
            peak_kb += _read_kb(pid, "status", "VmHWM:")
    return peak_kb * 1024 / 1e6


def _memory_kb(pid: int) -> float:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        try:
            return _read_kb(pid, "smaps_rollup", "Pss:")
        except PermissionError:
            pages = (PROC / str(pid) / "statm").read_text().split()[1]
            return float(pages) * os.sysconf("SC_PAGE_SIZE") / 1024
    return 0


def _read_kb(pid: int, name: str, field: str) -> float:
    lines = (PROC / str(pid) / name).read_text().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(field))
