"""What the metrics say of how things are: queues, connections, versions."""

from __future__ import annotations

import asyncio
import platform
import time
import weakref
from collections.abc import Callable

from service import __version__
from service.batching.batcher import Batcher
from service.core.choices import Graph
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.observability import families
from service.observability.metrics import Metrics

# How often a worker writes down how things are, for the worker that is asked.
PERIOD_S = 1.0


def watch_models(metrics: Metrics, registry: Registry) -> None:
    """Have the metrics count the batches and uploads of models, and say which models there are."""
    metrics.adopt(families.UPLOADS, registry.places.took)
    watch = _ModelWatch(metrics, registry)
    watch.look()
    metrics.number(families.WORKERS).set(1)
    registry.watchers.append(watch.look)
    metrics.sources.append(watch.sample)


class _ModelWatch:
    """Counts what the models do, whichever they are at the time."""

    def __init__(self, metrics: Metrics, registry: Registry) -> None:
        self._metrics = metrics
        self._registry = registry
        self._infos: set[tuple[str, str, str]] = set()
        # Weakly: an engine is to go once its last request is done.
        self._seen: weakref.WeakSet[Engine] = weakref.WeakSet()
        self._queues: set[tuple[str, Graph]] = set()

    def look(self) -> None:
        """Count the batches of models that are new, and say which there are."""
        served = list(self._registry.served)
        infos = {self._find_info(engine) for engine in served}
        for info in self._infos - infos:
            self._metrics.drop(families.MODEL_INFO, *info)
        for info in infos:
            self._metrics.number(families.MODEL_INFO, *info).set(1)
        self._infos = infos
        for engine in set(served) - set(self._seen):
            self._seen.add(engine)
            for graph, batcher in engine.batchers.items():
                labels = engine.manifest.name, graph
                self._metrics.adopt(families.BATCH_ROWS, batcher.batches, *labels)
                self._metrics.adopt(families.STATISTICS, batcher.statistics, *labels)
                self._queues.add(labels)

    def _find_info(self, engine: Engine) -> tuple[str, str, str]:
        manifest, runtime = engine.manifest, engine.model.runtime
        versions = __version__, platform.python_version(), runtime.onnxruntime
        self._metrics.number(families.BUILD, *versions).set(1)
        return manifest.name, manifest.version, runtime.provider

    def sample(self) -> None:
        """Set whether it is ready and how much waits, at the versions that have been replaced too."""
        self._metrics.number(families.READY).set(float(self._registry.ready))
        waiting = {queue: [0, 0] for queue in self._queues}
        for engine in self._registry.alive:
            for graph, batcher in engine.batchers.items():
                found = waiting.get((engine.manifest.name, graph), [0, 0])
                found[0] += batcher.waiting_rows
                found[1] += batcher.waiting_requests
                self._note(batcher, engine.manifest.name, graph)
        for labels, counts in waiting.items():
            for family, count in zip((families.WAITING_ROWS, families.WAITING), counts, strict=True):
                self._metrics.number(family, *labels).set(count)

    def _note(self, batcher: Batcher, *labels: str) -> None:
        """Write down what became of a graph's requests, and when the last one ran."""
        batcher.statistics.write()
        last = self._metrics.number(families.LAST_MS, *labels)
        last.set(max(last.read(), _date_last(batcher)))


def watch_connections(metrics: Metrics, count: Callable[[], tuple[int, int]]) -> None:
    """Have the metrics say how many connections there are, and how many of them wait for an answer.

    Args:
        metrics: Of this process.
        count: Returns both numbers.
    """
    open_now, busy = metrics.number(families.CONNECTIONS), metrics.number(families.IN_PROGRESS)

    def sample() -> None:
        for number, value in zip((open_now, busy), count(), strict=True):
            number.set(value)

    metrics.sources.append(sample)


async def keep_sampling(metrics: Metrics) -> None:
    """Write down how things are, again and again."""
    while True:
        metrics.sample()
        await asyncio.sleep(PERIOD_S)


def _date_last(batcher: Batcher) -> float:
    """Return when the last batch ended, in ms since 1970; 0 before the first."""
    ago_s = batcher.clock() - batcher.statistics.last_s
    return float(round((time.time() - ago_s) * 1000)) if batcher.statistics.last_s else 0.0
