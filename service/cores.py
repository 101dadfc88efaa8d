"""Owns how many processor cores this process may use: what the host has is not what a container gets."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Iterator

from service.cgroups import find_groups

ROOT = pathlib.Path("/")


def count_cores(root: pathlib.Path = ROOT) -> int:
    """Gives the cores that this process may use.

    Args:
        root: Folder that holds `proc` and `sys`.

    Returns:
        The cores it may run on, or what its control groups let it use of them, rounded up; at least 1.
    """
    # macOS and Windows know no affinity.
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affine, *map(math.ceil, _quotas(root))]))


def _quotas(root: pathlib.Path) -> Iterator[float]:
    """Yields the quota, in cores, of each control group that this process is in and that has one."""
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
