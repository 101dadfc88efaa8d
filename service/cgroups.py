"""Owns finding the control groups of this process: what limits it in a container."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator


def find_groups(root: pathlib.Path, controller: str) -> Iterator[tuple[pathlib.Path, bool]]:
    """Finds the control groups that this process is in; a limit of any of them holds.

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
