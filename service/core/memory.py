"""How much memory this process may use, and how many workers fit into it.

Measured with the shipped bundles on x86-64: of two workers, each uses 99 MB of its own at rest, 125 MB after
many requests of 256 pictures, and for moments up to 600 MB while eight requests of the largest kind run at
once; their parent uses 28 MB beside the bundles, and all of them share 46 MB of mapped files.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Sequence

from service.core.cpu_count import ROOT, find_groups
from service.core.errors import BundleError, StartupError

logger = logging.getLogger(__name__)

MIB = 2**20
# Control groups of version 1 write a number near 2**63 for "no limit".
NO_LIMIT_BYTES = 2**60
# Interpreter, libraries and onnxruntime: shared by all, of the parent of workers, of each worker.
SHARED_BYTES, PARENT_BYTES, WORKER_BYTES = 48 * MIB, 32 * MIB, 64 * MIB
# For each model: what warming up leaves, and the weights twice, as read from the file and as prepared to run.
MODEL_BYTES, WEIGHTS_TIMES = 12 * MIB, 2
# Kept free for requests and finished pictures, for each worker that `auto` starts.
REQUESTS_BYTES = 192 * MIB


@dataclasses.dataclass(frozen=True)
class Need:
    """The memory that a service needs before any request.

    Attributes:
        worker_bytes: Of each worker.
        bundles_bytes: Of the bundles that the parent of workers keeps, and of new ones during a reload.
    """

    worker_bytes: int
    bundles_bytes: int

    def total(self, workers: int, spare_bytes: int = 0) -> int:
        """Return the bytes that workers need in all, each with some to spare."""
        parent = PARENT_BYTES + self.bundles_bytes if workers > 1 else 0
        return SHARED_BYTES + parent + workers * (self.worker_bytes + spare_bytes)

    def fit(self, room_bytes: int, spare_bytes: int = 0) -> int:
        """Return how many workers fit, each with some bytes to spare; at least 1."""
        left = room_bytes - SHARED_BYTES - PARENT_BYTES - self.bundles_bytes
        return max(1, left // (self.worker_bytes + spare_bytes))


def estimate_models(weights_bytes: Sequence[int]) -> int:
    """Return the bytes that models take in each worker, before any request.

    Args:
        weights_bytes: Of both graphs of each model.
    """
    return len(weights_bytes) * MODEL_BYTES + WEIGHTS_TIMES * sum(weights_bytes)


def check_models(limit_bytes: int, name: str, weights_bytes: int, loaded: Sequence[int]) -> None:
    """Refuse a model for which there is no memory beside those that are loaded.

    Args:
        limit_bytes: For all models of a process; 0: there is no limit.
        name: The model's name.
        weights_bytes: Of both of its graphs.
        loaded: The same of each model that is loaded.

    Raises:
        BundleError: The message has the figures.
    """
    used, needed = estimate_models(loaded), estimate_models([weights_bytes])
    if limit_bytes and used + needed > limit_bytes:
        raise BundleError(
            f"CVAE_MAX_MODELS_MEMORY: expected at most {limit_bytes} bytes for all models, but {name} needs "
            f"{needed} beside the {used} of {len(loaded)} that are loaded"
        )


def measure_weights(bundle: pathlib.Path) -> int:
    """Return the bytes of a bundle's graphs."""
    return sum(path.stat().st_size for path in bundle.glob("*.onnx") if path.is_file())


def measure_need(bundles: Sequence[pathlib.Path]) -> Need:
    """Return what a worker that loads these bundles needs."""
    weights = [measure_weights(folder) for folder in bundles]
    return Need(WORKER_BYTES + estimate_models(weights), 2 * sum(weights))


def fit_workers(bundles: Sequence[pathlib.Path], root: pathlib.Path = ROOT) -> int:
    """Return how many workers fit into the memory that there is, with room for requests.

    Args:
        bundles: Folders of those that each loads.
        root: Folder that holds `proc` and `sys`.
    """
    rooms = [room for room in (read_limit(root), _read_meminfo(root, "MemAvailable")) if room is not None]
    return measure_need(bundles).fit(min(rooms, default=NO_LIMIT_BYTES), REQUESTS_BYTES)


def check_workers(workers: int, bundles: Sequence[pathlib.Path], root: pathlib.Path = ROOT) -> None:
    """Refuse more workers than fit into memory, and log a warning if they leave no room for requests.

    Args:
        workers: How many to start.
        bundles: Folders of those that each loads.
        root: Folder that holds `proc` and `sys`.

    Raises:
        StartupError: The kernel would kill them before the first request. A single worker is never refused.
    """
    limits = [limit for limit in (read_limit(root), _read_meminfo(root, "MemTotal")) if limit is not None]
    limit, need = min(limits, default=NO_LIMIT_BYTES), measure_need(bundles)
    if workers > 1 and need.total(workers) > limit:
        raise StartupError(
            f"CVAE_WORKERS: expected at most {need.fit(limit)} for {limit // MIB} MiB of memory, as a worker "
            f"takes {need.worker_bytes // MIB} MiB before any request, received {workers}"
        )
    if need.total(workers, REQUESTS_BYTES) > limit:
        logger.warning(
            "%d MiB of memory are little for %d worker(s): %d MiB before any request, and %d MiB more are "
            "advised for each worker's requests",
            limit // MIB,
            workers,
            need.total(workers) // MIB,
            REQUESTS_BYTES // MIB,
        )


def read_limit(root: pathlib.Path = ROOT) -> int | None:
    """Return the bytes of memory that the control groups let this process have.

    Args:
        root: Folder that holds `proc` and `sys`.

    Returns:
        The smallest limit, or None if there is none.
    """
    limits = []
    for group, first_version in find_groups(root, "memory"):
        name = "memory.limit_in_bytes" if first_version else "memory.max"
        try:
            limits.append(int((group / name).read_text()))
        except (OSError, ValueError):  # no file, or "max"
            continue
    return min((limit for limit in limits if limit < NO_LIMIT_BYTES), default=None)


def _read_meminfo(root: pathlib.Path, name: str) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        (value,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
        return int(value) * 1024
    except (OSError, ValueError):  # not Linux
        return None
