"""A reload of all workers, as their parent leads it: all load, and once all have, all swap.

Invariant: workers serve the same. What one of them cannot load, none serves; a worker that cannot be told, or
does not answer in time, is replaced, and the new one loads what the others serve. What they are to serve is
in the stock before any of them serves it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from service.core.reloads import Outcome, agree
from service.server.processes.handle import Worker
from service.server.processes.messages import ASK, DROP, ENDED, GIVE, GIVEN, PREPARE, PREPARED, SWAP, SWAPPED
from service.server.processes.stock import Stock

logger = logging.getLogger(__name__)

# How long workers may take to load all that is new; and to swap, to send what they would serve, or to go.
LOAD_S, SWAP_S = 300.0, 10.0
LATE = f"a worker did not load it within {LOAD_S:g} s"
UNSAID = f"no worker sent within {SWAP_S:g} s what it would serve"
Wait = Callable[[float], bool]


def reload_all(workers: Sequence[Worker], stock: Stock, wait: Wait) -> list[Outcome]:
    """Have all workers reload.

    Args:
        workers: All that there are, while it waits too.
        stock: For workers that start.
        wait: Waits until a worker says something or ends, for so long at most; returns whether to go on.

    Returns:
        What has happened to each model.
    """
    # Those too that come to serve meanwhile.
    found = _ask(lambda: [worker for worker in workers if worker.serving], PREPARE, PREPARED, LOAD_S, wait)
    serving = [worker for worker in workers if worker.serving]
    ready = [worker for worker in serving if worker in found]
    outcomes = agree([found[worker] for worker in ready])
    if len(ready) < len(serving):
        outcomes = [outcome.refuse(LATE) for outcome in outcomes]
    if any(outcome.status in ("loaded", "removed") for outcome in outcomes):
        bundles = _fetch(ready, outcomes, wait)
        if bundles is not None:
            _swap(workers, ready, outcomes, bundles, stock, wait)
            return outcomes
        outcomes = [outcome.refuse(UNSAID) for outcome in outcomes]
    for worker in serving:
        worker.tell(DROP)
    return outcomes


def _fetch(workers: Sequence[Worker], outcomes: Sequence[Outcome], wait: Wait) -> bytes | None:
    """Return the bundles that would be served; None if no worker says."""
    for worker in workers:
        if given := _ask([worker].copy, GIVE, GIVEN, SWAP_S, wait, outcomes).get(worker):
            bundles: bytes = given
            return bundles
    return None


def _swap(
    workers: Sequence[Worker],
    ready: Sequence[Worker],
    outcomes: Sequence[Outcome],
    bundles: bytes,
    stock: Stock,
    wait: Wait,
) -> None:
    with stock.hold():
        _retire([worker for worker in workers if worker not in ready], wait)
        # Even if all die now: the next ones serve what the answer to the reload says.
        stock.bundles = bundles
        swapped = _ask(lambda: ready, SWAP, SWAPPED, SWAP_S, wait, outcomes)
    for worker in ready:
        if worker.serving and worker not in swapped:
            worker.kill(f"did not take what was loaded within {SWAP_S:g} s, and was killed")


def _retire(workers: Sequence[Worker], wait: Wait) -> None:
    """Let workers go that would serve on what was there before."""
    going = [worker for worker in workers if worker.furnished]
    for worker in going:
        if not worker.leaving:
            worker.stop()
    end = time.monotonic() + SWAP_S
    while any(worker.process.is_alive() for worker in going) and (left_s := end - time.monotonic()) > 0:
        if not wait(left_s):
            return


def take_asked(workers: Iterable[Worker]) -> dict[Worker, list[int]]:
    """Return the numbers under which workers have asked for a reload, which are to be told how it ended."""
    asked: dict[Worker, list[int]] = {}
    for worker in workers:
        while (number := worker.take(ASK)) is not None:
            asked.setdefault(worker, []).append(number)
    return asked


def answer_asked(asked: Mapping[Worker, Sequence[int]], outcomes: Sequence[Outcome] | None) -> None:
    """Tell workers how the reload ended that they have asked for; None: there is none any more."""
    for worker, numbers in asked.items():
        worker.tell(ENDED, (numbers, outcomes))


def log_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Write into the log what a reload has done to each model."""
    if not outcomes:
        logger.error("reload: each worker died of it, or took over %g s; nothing has changed", LOAD_S)
    for outcome in outcomes:
        level = logging.ERROR if outcome.status == "refused" else logging.INFO
        logger.log(level, "reload: %s", outcome)


def _ask(
    list_workers: Callable[[], Iterable[Worker]],
    question: str,
    answer: str,
    seconds: float,
    wait: Wait,
    content: Any = None,
) -> dict[Worker, Any]:
    """Return what each worker answers; those that end or take too long are left out."""
    asked: list[Worker] = []
    found: dict[Worker, Any] = {}
    end = time.monotonic() + seconds
    while True:
        for worker in list_workers():
            if worker not in asked:
                asked.append(worker)
                while worker.take(answer) is not None:  # too late for an earlier question
                    pass
                worker.tell(question, content)
        for worker in asked:
            if worker not in found and (said := worker.take(answer)) is not None:
                found[worker] = said
        missing = [worker for worker in asked if worker not in found and worker.serving and not worker.deaf]
        left_s = end - time.monotonic()
        if not missing or left_s <= 0 or not wait(left_s):
            return found
