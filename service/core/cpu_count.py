"""How many processor cores this process may use, which in a container may be fewer than the host has."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Iterator

ROOT = pathlib.Path("/")


def count_cores(root: pathlib.Path = ROOT) -> int:
    """Return the cores that this process may use.

    Args:
        root: Folder that holds `proc` and `sys`.

    Returns:
        The cores it may run on, or its quota of them by control groups, rounded up, if that is less; at least
        1.
    """
    # macOS and Windows know no affinity.
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affine, *map(math.ceil, _quotas(root))]))


def _quotas(root: pathlib.Path) -> Iterator[float]:
    """Yield the quota, in cores, of each control group that this process is in and that has one."""
    for group, first_version in find_groups(root, "cpu"):
        quota = _read_v1(group) if first_version else _read_v2(group)
        if quota is not None:
            yield quota


def _read_v1(group: pathlib.Path) -> float | None:
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text())
        period = int((group / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 else None


def _read_v2(group: pathlib.Path) -> float | None:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # no file, or "max"
        return None


def find_groups(root: pathlib.Path, controller: str) -> Iterator[tuple[pathlib.Path, bool]]:
    """Find the control groups that this process is in. The limit of each applies, also of those further up.

    Args:
        root: Folder that holds `proc` and `sys`.
        controller: Such as "cpu".

    Yields:
        A group's folder, which need not exist, and whether it is of version 1.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        group = top / path.lstrip("/")
        # Inside a container, `top` may be the process's own group.
        while group.is_relative_to(top):
            yield group, bool(controllers)
            group = group.parent
