"""What the metrics say of how things are: queues, connections, versions."""

from __future__ import annotations

import asyncio
import functools
import platform
import time
from collections.abc import Callable, Iterator

from service import __version__
from service.batching.batcher import Batcher
from service.inference.registry import Registry
from service.observability import families
from service.observability.families import Count
from service.observability.metrics import Metrics

# How often a worker writes down how things are, for the worker that is asked.
PERIOD_S = 1.0
Reading = tuple[Count, Callable[[], float]]


def watch_models(metrics: Metrics, registry: Registry) -> None:
    """Have the metrics count the batches and uploads of models, and say which models there are."""
    metrics.adopt(families.UPLOADS, registry.places.took)
    for engine in registry:
        manifest, runtime = engine.manifest, engine.model.runtime
        metrics.number(families.MODEL_INFO, manifest.name, manifest.version, runtime.provider).set(1)
        versions = __version__, platform.python_version(), runtime.onnxruntime
        metrics.number(families.BUILD, *versions).set(1)
    _watch(metrics, list(_read_queues(metrics, registry)))


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


def _read_queues(metrics: Metrics, registry: Registry) -> Iterator[Reading]:
    for engine in registry:
        for graph, batcher in engine.batchers.items():
            labels = engine.manifest.name, graph
            metrics.adopt(families.BATCH_ROWS, batcher.batches, *labels)
            rows, requests = (
                metrics.number(family, *labels) for family in (families.WAITING_ROWS, families.WAITING)
            )
            yield rows, functools.partial(getattr, batcher, "waiting_rows")
            yield requests, functools.partial(getattr, batcher, "waiting_requests")
            metrics.adopt(families.STATISTICS, batcher.statistics, *labels)
            last = metrics.number(families.LAST_MS, *labels)
            yield last, functools.partial(_write_statistics, batcher, last)


def _write_statistics(batcher: Batcher, last: Count) -> float:
    """Write down what became of a graph's requests; return when the last one ran, in ms since 1970."""
    statistics = batcher.statistics
    statistics.write()
    ago_s = batcher.clock() - statistics.last_s
    return float(round((time.time() - ago_s) * 1000)) if statistics.last_s else last.read()


def _watch(metrics: Metrics, readings: list[Reading]) -> None:
    def sample() -> None:
        for number, read in readings:
            number.set(read())

    metrics.sources.append(sample)
