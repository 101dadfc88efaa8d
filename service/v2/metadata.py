"""The Open Inference Protocol, version 2: the models, their metadata and their health."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from service import __version__
from service.core.errors import NotReadyError
from service.http.bodies.json_bodies import SMALL_BYTES, limit_body, limit_json, parse_json
from service.http.bodies.reading import read_body
from service.http.dependencies import Calls, Models, get_registry, never_keep
from service.http.openapi.errors import protocol_responses
from service.v2.graphs import V2Model, find_graph, list_graphs, list_versions
from service.v2.openapi import index_body
from service.v2.schemas import (
    DynamicBatching,
    GraphConfig,
    GraphHealth,
    GraphMetadata,
    GraphNames,
    IndexEntry,
    IndexRequest,
    QueuePolicy,
    ServerHealth,
    ServerMetadata,
    TensorConfig,
    TensorMetadata,
)
from service.v2.tensors import Port

router = APIRouter(tags=["open inference protocol"])

# Triton's names for running ONNX files.
PLATFORM, BACKEND = "onnxruntime_onnx", "onnxruntime"
# Only complete ones: clients rely on what is listed.
EXTENSIONS = ["binary_tensor_data", "model_configuration", "statistics"]
# For answers that are only true at the moment.
NOW = [Depends(never_keep)]
CONFIG_TYPES = {"FP32": "TYPE_FP32", "BYTES": "TYPE_STRING"}


# Where a request keeps its graph until it is answered.
GRAPH = "cvae_graph"


def get_graph(request: Request) -> V2Model:
    """Return the graph in the path, of the version that it names.

    Raises:
        NotFoundError: There is no such graph, or no such version of it.
        NotReadyError: The models are not loaded.
    """
    graph: V2Model | None = request.scope.get(GRAPH)
    if graph is not None:
        return graph
    path = request.path_params
    return find_graph(get_registry(request), path["model"], path.get("version"))


async def _solve_graph(
    request: Request,
    model: Annotated[str, Path(description="A name from `GET /v2/models`.", examples=["mnist-2d.decoder"])],  # noqa: ARG001
) -> V2Model:
    return get_graph(request)


_solve_graph.direct = get_graph  # type: ignore[attr-defined]
Served = Annotated[V2Model, Depends(_solve_graph)]


@router.get("/v2/", include_in_schema=False)
@router.get(
    "/v2",
    summary="Describe the service",
    response_description="What it is",
    responses=protocol_responses(),
)
async def describe_server() -> ServerMetadata:
    """Its version, and the extensions of the protocol that it has."""
    return ServerMetadata(name="cvae-service", version=__version__, extensions=EXTENSIONS)


@router.get(
    "/v2/health/live",
    dependencies=NOW,
    summary="Is the process alive, in the protocol's words?",
    response_description="It is, and whether it can answer",
    responses=protocol_responses(),
)
async def check_server_live(request: Request) -> ServerHealth:
    """Answers as long as the event loop runs."""
    registry = getattr(request.app.state, "registry", None)
    return ServerHealth(live=True, ready=registry is not None and registry.ready)


@router.get(
    "/v2/health/ready",
    dependencies=NOW,
    summary="Can it answer, in the protocol's words?",
    response_description="It can",
    responses=protocol_responses(503),
)
async def check_server_ready(models: Models) -> ServerHealth:
    """Answers 200 once every model is verified and warmed up, and 503 from the moment it stops."""
    if not models.ready:
        raise NotReadyError("the service is stopping")
    return ServerHealth(live=True, ready=True)


@router.get(
    "/v2/models",
    summary="List the graphs",
    response_description="Their names",
    responses=protocol_responses(503),
)
async def list_graph_names(models: Models) -> GraphNames:
    """A decoder and an encoder of each loaded bundle."""
    return GraphNames(models=[graph.name for graph in list_graphs(models)])


@router.post(
    "/v2/repository/index",
    summary="List the graphs and their states",
    response_description="A state each",
    responses=protocol_responses(400, 413, 415, 429, 503, 504),
    openapi_extra=index_body(),
)
async def list_graph_states(request: Request, models: Models, call: Calls) -> list[IndexEntry]:
    """All of them, each version that is kept; with `ready`, those that can answer. The body may be empty."""
    limit = limit_json(models, most=SMALL_BYTES)
    limit_body(request, limit)
    content = await read_body(request, call)
    only_ready = bool(content) and parse_json(content, IndexRequest, limit).ready
    return [_enter(graph) for graph in list_versions(models) if graph.ready or not only_ready]


@router.get("/v2/models/{model}/versions/{version}", include_in_schema=False)
@router.get(
    "/v2/models/{model}",
    summary="Describe a graph",
    response_description="Its tensors",
    responses=protocol_responses(404, 503),
)
async def describe_graph(graph: Served, models: Models) -> GraphMetadata:
    """The tensors that it takes and gives; the first dimension of each, -1, is the number of rows."""
    manifest = graph.engine.manifest
    return GraphMetadata(
        name=graph.name,
        versions=models.served.list_versions(manifest.name),
        platform=PLATFORM,
        inputs=[_describe(port) for port in graph.inputs],
        outputs=[_describe(port) for port in graph.outputs],
        properties={
            "bundle": manifest.name,
            "latent_dim": str(manifest.latent_dim),
            "labels": " ".join(map(str, manifest.labels)),
            "sha256": getattr(manifest, graph.kind).sha256,
        },
    )


@router.get("/v2/models/{model}/versions/{version}/ready", include_in_schema=False, dependencies=NOW)
@router.get(
    "/v2/models/{model}/ready",
    dependencies=NOW,
    summary="Can this graph answer?",
    response_description="It can",
    responses=protocol_responses(404, 503),
)
async def check_graph_ready(graph: Served, models: Models) -> GraphHealth:
    """Answers 200 if it can, and 503 if not."""
    if not (models.ready and graph.ready):
        raise NotReadyError(f"{graph.name} cannot answer")
    return GraphHealth(name=graph.name, ready=True)


@router.get("/v2/models/{model}/versions/{version}/config", include_in_schema=False)
@router.get(
    "/v2/models/{model}/config",
    summary="Configuration of a graph",
    response_description="What Triton would say",
    responses=protocol_responses(404, 503),
)
async def describe_graph_config(graph: Served) -> GraphConfig:
    """In the words of Triton's model configuration, for the tools that ask for it."""
    settings = graph.engine.settings
    return GraphConfig(
        name=graph.name,
        platform=PLATFORM,
        backend=BACKEND,
        max_batch_size=settings.max_request_rows,
        input=[_configure(port) for port in graph.inputs],
        output=[_configure(port) for port in graph.outputs],
        dynamic_batching=DynamicBatching(
            preferred_batch_size=[settings.max_batch_rows],
            default_queue_policy=QueuePolicy(default_timeout_microseconds=settings.deadline_ms * 1000),
        ),
    )


def _describe(port: Port) -> TensorMetadata:
    return TensorMetadata(name=port.name, datatype=port.datatype, shape=[-1, *port.shape])


def _configure(port: Port) -> TensorConfig:
    return TensorConfig(name=port.name, data_type=CONFIG_TYPES[port.datatype], dims=list(port.shape))


def _enter(graph: V2Model) -> IndexEntry:
    if graph.ready:
        return IndexEntry(name=graph.name, version=graph.version, state="READY", reason="")
    return IndexEntry(name=graph.name, version=graph.version, state="UNAVAILABLE", reason="it has failed")
