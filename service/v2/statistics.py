"""The protocol's extension of statistics, as Triton has it: how often graphs ran, and for how long.

All requests of a graph are counted, also those that came by other routes than the protocol's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from service.batching.statistics import OfSize, Totals, read_sizes, read_totals
from service.http.dependencies import Models
from service.http.openapi.errors import protocol_responses
from service.observability import families
from service.observability.families import Family, name_key
from service.observability.metrics import Metrics
from service.v2.graphs import V2Model, list_graphs
from service.v2.metadata import NOW, Served

router = APIRouter(tags=["open inference protocol"])


class Duration(BaseModel):
    """How often something was done, and how long that took in all."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    count: int = 0
    ns: int = 0


class InferenceStatistics(BaseModel):
    """What became of the requests of a graph."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    success: Annotated[Duration, Field(description="From when their rows came until they had run.")]
    fail: Annotated[Duration, Field(description="Refused, too late, cancelled, or failed with their batch.")]
    queue: Annotated[Duration, Field(description="That their rows waited.")]
    compute_input: Annotated[Duration, Field(description="To put the rows of several requests together.")]
    compute_infer: Annotated[Duration, Field(description="That the batches with their rows ran.")]
    compute_output: Annotated[Duration, Field(description="No time: results are handed on as they are.")]
    cache_hit: Annotated[Duration, Field(description="None: the protocol's answers are not kept.")] = (
        Duration()
    )
    cache_miss: Duration = Duration()


class BatchStatistics(BaseModel):
    """The batches of one size."""

    batch_size: int
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration


class GraphStatistics(BaseModel):
    """What a graph did since the service started."""

    name: str
    version: Annotated[
        str,
        Field(description="The version's 12 hex digits as a decimal number, as Triton's tools expect one."),
    ]
    last_inference: Annotated[int, Field(description="When the last batch ended, in ms since 1970.")]
    inference_count: Annotated[int, Field(description="Rows that ran.")]
    execution_count: Annotated[int, Field(description="Batches that ran.")]
    inference_stats: InferenceStatistics
    batch_stats: Annotated[list[BatchStatistics], Field(description="By size, up to 256 rows.")]


class Statistics(BaseModel):
    """What graphs did since the service started."""

    # The protocol's name; pydantic keeps names that begin so for itself.
    model_config = ConfigDict(protected_namespaces=())

    model_stats: list[GraphStatistics]


@router.get(
    "/v2/models/stats",
    dependencies=NOW,
    summary="What all graphs did",
    response_description="Counts and times of each",
    responses=protocol_responses(503),
)
async def read_statistics(request: Request, models: Models) -> Statistics:
    """Of all workers together, since the service started."""
    return await _collect(request.app.state.metrics, list_graphs(models))


@router.get("/v2/models/{model}/versions/{version}/stats", include_in_schema=False, dependencies=NOW)
@router.get(
    "/v2/models/{model}/stats",
    dependencies=NOW,
    summary="What a graph did",
    response_description="Its counts and times",
    responses=protocol_responses(404, 503),
)
async def read_graph_statistics(request: Request, graph: Served) -> Statistics:
    """Of all workers together, since the service started."""
    return await _collect(request.app.state.metrics, [graph])


async def _collect(metrics: Metrics, graphs: Iterable[V2Model]) -> Statistics:
    metrics.sample()
    numbers = await asyncio.to_thread(metrics.collect)
    return Statistics(model_stats=[_describe(graph, numbers) for graph in graphs])


def _describe(graph: V2Model, numbers: Mapping[str, Sequence[float]]) -> GraphStatistics:
    def find(family: Family) -> Sequence[float]:
        return numbers[name_key(family, (graph.engine.manifest.name, graph.kind))]

    batches, values = find(families.BATCH_ROWS), find(families.STATISTICS)
    return GraphStatistics(
        name=graph.name,
        version=graph.number,
        last_inference=int(find(families.LAST_MS)[0]),
        inference_count=int(batches[-1]),
        execution_count=int(sum(batches[:-1])),
        inference_stats=_describe_requests(read_totals(values)),
        batch_stats=[_describe_size(size) for size in read_sizes(values)],
    )


def _describe_requests(totals: Totals) -> InferenceStatistics:
    def measure(seconds: float) -> Duration:
        return Duration(count=int(totals.succeeded), ns=_to_ns(seconds))

    return InferenceStatistics(
        success=measure(totals.succeeded_s),
        fail=Duration(count=int(totals.failed), ns=_to_ns(totals.failed_s)),
        queue=measure(totals.succeeded_s - totals.ran_s),
        compute_input=measure(totals.prepared_s),
        compute_infer=measure(totals.ran_s - totals.prepared_s),
        compute_output=measure(0.0),
    )


def _describe_size(size: OfSize) -> BatchStatistics:
    return BatchStatistics(
        batch_size=size.rows,
        compute_input=Duration(count=int(size.batches), ns=_to_ns(size.prepared_s)),
        compute_infer=Duration(count=int(size.batches), ns=_to_ns(size.ran_s)),
        compute_output=Duration(count=int(size.batches), ns=0),
    )


def _to_ns(seconds: float) -> int:
    return max(0, round(seconds * 1e9))
