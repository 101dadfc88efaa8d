"""Describes the machine for a report."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Return the machine's processor, cores and Python, and the date."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
