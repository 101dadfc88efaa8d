"""The metrics that there are, and how their numbers are written for Prometheus."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from service.core.tally import ROWS, SECONDS, SHORT_SECONDS, Cells

Kind = Literal["counter", "gauge", "oldest", "latest", "histogram"]
Numbers = Mapping[str, Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Family:
    """A metric.

    Attributes:
        name: Without the `_total` of counters.
        help: What it says.
        kind: "gauge" is summed over the workers that run, "oldest" is their least but 0, which is what one
            has that is starting; "latest" is the most of all that ever ran; the others are summed over these.
        labels: Names of the labels.
        bounds: Of a histogram.
    """

    name: str
    help: str
    kind: Kind = "counter"
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers it takes for each set of labels."""
        return len(self.bounds) + 2 if self.kind == "histogram" else 1


ROUTE, GRAPH = ("route",), ("model", "graph")
DURATION = Family(
    "cvae_request_duration_seconds",
    "Time from the head of a request to the end of its answer.",
    "histogram",
    ("route", "status"),
    SECONDS,
)
QUEUE = Family(
    "cvae_queue_wait_seconds", "Time that a request's rows waited.", "histogram", ROUTE, SHORT_SECONDS
)
INFERENCE = Family(
    "cvae_inference_seconds",
    "Time that the batches with a request's rows ran.",
    "histogram",
    ROUTE,
    SHORT_SECONDS,
)
ENCODING = Family(
    "cvae_encoding_seconds", "Time that writing an answer took.", "histogram", ROUTE, SHORT_SECONDS
)
BATCH_ROWS = Family("cvae_batch_rows", "Rows of a batch.", "histogram", GRAPH, ROWS)
UPLOADS = Family(
    "cvae_upload_decoding_seconds",
    "Time to read the uploaded files of a request, with the wait for a thread.",
    "histogram",
    (),
    SHORT_SECONDS,
)
CACHE = Family(
    "cvae_picture_cache_requests",
    "Image URLs that were looked for among finished pictures, by what was found.",
    labels=("result",),
)
REFUSALS = Family("cvae_refusals", "Requests that were refused, by the reason.", labels=("reason",))
WAITING_ROWS = Family("cvae_waiting_rows", "Rows that wait for a batch.", "gauge", GRAPH)
WAITING = Family("cvae_waiting_requests", "Requests with rows that wait for a batch.", "gauge", GRAPH)
IN_PROGRESS = Family("cvae_requests_in_progress", "Connections with a request that is not answered.", "gauge")
CONNECTIONS = Family("cvae_connections", "Open connections.", "gauge")
WORKERS = Family("cvae_workers", "Processes that serve.", "gauge")
READY = Family("cvae_ready_workers", "Processes that serve and whose models can answer.", "gauge")
DEATHS = Family("cvae_worker_deaths", "Workers that ended without being told to, and were replaced.")
MEMORY = Family(
    "process_resident_memory_bytes", "Memory of the workers, with what they share counted in each.", "gauge"
)
CPU = Family("process_cpu_seconds", "Processor time of the workers.")
START = Family(
    "process_start_time_seconds", "When the oldest worker started, in seconds since 1970.", "oldest"
)
BUILD = Family("cvae_build_info", "Versions of the service.", "oldest", ("version", "python", "onnxruntime"))
MODEL_INFO = Family("cvae_model_info", "The models.", "oldest", ("model", "version", "provider"))
# These follow from others.
ROW_COUNT = Family("cvae_rows", "Rows that were decoded or encoded.", labels=GRAPH)
NOT_MODIFIED = Family("cvae_not_modified", "Answers 304: the client had the picture.")
GONE = Family("cvae_disconnects", "Requests whose client went before the answer (status 499).")

# These are no metrics: what the Open Inference Protocol says of a graph.
STATISTICS = Family("cvae_statistics", "", labels=GRAPH)
LAST_MS = Family("cvae_last_inference_ms", "", "latest", GRAPH)

FAMILIES = {
    family.name: family
    for family in (
        *(DURATION, QUEUE, INFERENCE, ENCODING, BATCH_ROWS, UPLOADS, CACHE, REFUSALS, WAITING_ROWS, WAITING),
        *(IN_PROGRESS, CONNECTIONS, WORKERS, READY, DEATHS, MEMORY, CPU, START, BUILD, MODEL_INFO),
    )
}
KNOWN = {**FAMILIES, **{family.name: family for family in (STATISTICS, LAST_MS)}}


def name_key(family: Family, labels: Sequence[str]) -> str:
    """Return the key of a family's numbers with these labels."""
    return json.dumps([family.name, *labels])


def is_gauge(key: str) -> bool:
    """Return whether a key's numbers mean nothing once their process has ended."""
    family = KNOWN.get(json.loads(key)[0])
    return family is None or family.kind in ("gauge", "oldest")


class Count(NamedTuple):
    """One number, to be added to or set."""

    cells: Cells
    at: int

    def add(self, by: float = 1.0) -> None:
        """Add to it."""
        self.cells[self.at] += by

    def set(self, value: float) -> None:
        """Replace it."""
        self.cells[self.at] = value

    def read(self) -> float:
        """Return it."""
        return self.cells[self.at]


def merge(workers: Iterable[Iterable[tuple[str, Sequence[float]]]]) -> dict[str, list[float]]:
    """Return the numbers of all workers together."""
    total: dict[str, list[float]] = {}
    for key, values in (entry for worker in workers for entry in worker):
        known = total.get(key)
        if known is None:
            total[key] = list(values)
        elif (kind := KNOWN[json.loads(key)[0]].kind) == "oldest":
            known[0] = min(filter(None, (known[0], values[0])), default=0.0)
        elif kind == "latest":
            known[0] = max(known[0], values[0])
        else:
            total[key] = [a + b for a, b in zip(known, values, strict=True)]
    return total


def write_families(numbers: Numbers) -> Iterator[Metric]:
    """Return the metrics, each with its numbers, as prometheus_client writes them."""
    split = [(json.loads(key), values) for key, values in sorted(numbers.items())]
    for family in FAMILIES.values():
        own = [(labels, values) for (name, *labels), values in split if name == family.name]
        if family.kind == "oldest" or family.labels == ROUTE:  # not set any more; no model ran there
            own = [(labels, values) for labels, values in own if any(values)]
        if own:
            yield _write(family, own)
        if family is DURATION:
            yield _write(NOT_MODIFIED, [([], [_count_status(own, "304")])])
            yield _write(GONE, [([], [_count_status(own, "499")])])
        if family is BATCH_ROWS and own:
            yield _write(ROW_COUNT, [(labels, values[-1:]) for labels, values in own])


def _count_status(durations: list[tuple[list[str], Sequence[float]]], status: str) -> float:
    return sum(sum(values[:-1]) for labels, values in durations if labels[1] == status)


def _write(family: Family, own: list[tuple[list[str], Sequence[float]]]) -> Metric:
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, values in own:
            histogram.add_metric(labels, _accumulate(family.bounds, values), values[-1])
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    for labels, values in own:
        metric.add_metric(labels, values[0])
    return metric


def _accumulate(bounds: Sequence[float], values: Sequence[float]) -> list[tuple[str, float]]:
    below, buckets = 0.0, []
    for bound, count in zip([*map(float, bounds), "+Inf"], values[:-1], strict=True):
        below += count
        buckets.append((str(bound), below))
    return buckets
