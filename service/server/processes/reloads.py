"""A reload of all workers, as their parent leads it: all load, and once all have, all swap.

Invariant: workers serve the same. What one of them cannot load, none serves; a worker that cannot be told, or
does not answer in time, is replaced, and the new one loads what the others serve.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from service.core.reloads import Outcome, agree
from service.server.processes.handle import Worker
from service.server.processes.messages import ASK, DROP, GIVE, GIVEN, PREPARE, PREPARED, SWAP, SWAPPED

logger = logging.getLogger(__name__)

# How long workers may take to load all that is new, and to swap or to send what they serve.
LOAD_S, SWAP_S = 300.0, 10.0
# How long after its start a worker is waited for, which would serve what was there before.
STARTING_S = 60.0
LATE = f"a worker did not load it within {LOAD_S:g} s"
Wait = Callable[[float], bool]


def reload_all(workers: Sequence[Worker], wait: Wait) -> list[Outcome]:
    """Have all workers reload.

    Args:
        workers: Those that serve.
        wait: Waits until a worker says something or ends, for so long at most; returns whether to go on.

    Returns:
        What has happened to each model.
    """
    found = _ask(workers, PREPARE, PREPARED, LOAD_S, wait)
    left = [worker for worker in workers if worker.serving]
    outcomes = agree([found[worker] for worker in left if worker in found])
    if any(worker not in found for worker in left):
        outcomes = [outcome.refuse(LATE) for outcome in outcomes]
    if all(outcome.status in ("unchanged", "refused") for outcome in outcomes):
        for worker in left:
            worker.tell(DROP)
    else:
        swapped = _ask(left, SWAP, SWAPPED, SWAP_S, wait, outcomes)
        for worker in left:
            if worker.serving and worker not in swapped:
                worker.kill(f"did not take what was loaded within {SWAP_S:g} s, and was killed")
    return outcomes


def left_to_start(workers: Iterable[Worker]) -> float:
    """Return for how long a reload may yet wait for workers that are starting; 0 if for none."""
    now = time.monotonic()
    return max([0.0, *(worker.began + STARTING_S - now for worker in workers if worker.starting)])


def take_asked(workers: Iterable[Worker]) -> dict[Worker, list[int]]:
    """Return the numbers under which workers have asked for a reload, which are to be told how it ended."""
    asked: dict[Worker, list[int]] = {}
    for worker in workers:
        while (number := worker.take(ASK)) is not None:
            asked.setdefault(worker, []).append(number)
    return asked


def log_outcomes(outcomes: Iterable[Outcome]) -> None:
    """Write into the log what a reload has done to each model."""
    for outcome in outcomes:
        level = logging.ERROR if outcome.status == "refused" else logging.INFO
        logger.log(level, "reload: %s", outcome)


def fetch_bundles(workers: Sequence[Worker], wait: Wait) -> bytes | None:
    """Return the bundles that workers serve, for a new one; None if none of them says."""
    for worker in workers:
        if given := _ask([worker], GIVE, GIVEN, SWAP_S, wait).get(worker):
            bundles: bytes = given
            return bundles
    return None


def _ask(
    workers: Sequence[Worker], question: str, answer: str, seconds: float, wait: Wait, content: Any = None
) -> dict[Worker, Any]:
    """Return what each worker answers; those that end or take too long are left out."""
    for worker in workers:
        while worker.take(answer) is not None:  # too late for an earlier question
            pass
        worker.tell(question, content)
    found: dict[Worker, Any] = {}
    end = time.monotonic() + seconds
    while True:
        for worker in workers:
            if worker not in found and (said := worker.take(answer)) is not None:
                found[worker] = said
        missing = [worker for worker in workers if worker not in found and worker.serving and not worker.deaf]
        left_s = end - time.monotonic()
        if not missing or left_s <= 0 or not wait(left_s):
            return found
