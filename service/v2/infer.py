"""POST /v2/models/{model}/infer: tensors to tensors, in the Open Inference Protocol, version 2."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.models import Example

from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.errors import InvalidValueError
from service.core.headers import LENGTH_HEADER
from service.core.media_types import JSON, OCTETS
from service.http.bodies.compression import ENCODINGS, Encoding, compress
from service.http.bodies.json_bodies import limit_body, limit_json, parse_apart, parse_json
from service.http.bodies.reading import read_body
from service.http.dependencies import Calls, Models
from service.http.direct_route import DirectRoute
from service.http.header_fields import read_field
from service.http.model_headers import TIMING_FIELD, RawResponse, encode_model
from service.http.negotiation import choose_encoding
from service.http.offload import INLINE_PIXELS
from service.http.openapi.errors import protocol_responses
from service.inference.registry import Registry
from service.v2.graphs import V2Model, complete
from service.v2.metadata import GRAPH, Served, get_graph
from service.v2.openapi import INFER, tensors, tensors_body
from service.v2.outputs import AskedOutput, choose_outputs, write_answer
from service.v2.schemas import InferRequest
from service.v2.tensors import check_length, read_inputs, read_raw, split_body

# Shorter answers are one packet, compressed or not.
MIN_COMPRESSED_BYTES = 1024
TYPED_JSON, TYPED_OCTETS = (b"content-type", JSON.encode()), (b"content-type", OCTETS.encode())
LENGTH_FIELD, VARIES = LENGTH_HEADER.lower().encode(), (b"vary", b"Accept-Encoding")
VECTOR = {"name": "z", "shape": [1, 2], "datatype": "FP32", "data": [0.5, -1.0]}
EXAMPLES = {
    "json": Example(summary="One vector: its image", value={"inputs": [VECTOR]}),
    "png": Example(summary="A PNG file, in base64", value={"inputs": [VECTOR], "outputs": [{"name": "png"}]}),
    "binary": Example(
        summary="The image as bytes behind the JSON",
        value={
            "id": "7",
            "inputs": [VECTOR],
            "outputs": [{"name": "image", "parameters": {"binary_data": True}}],
        },
    ),
}


class GraphRoute(DirectRoute):
    """A route that runs the graph in its path. While that graph has no room, it refuses requests unread."""

    def check(self, request: Request) -> None:
        """Refuse what the graph would refuse for its time alone."""
        graph = request.scope[GRAPH] = get_graph(request)
        graph.check()

    async def answer(self, request: Request) -> Response:
        """Call the endpoint; then forget the graph, which a connection at rest would keep from going."""
        try:
            return await super().answer(request)
        finally:
            request.scope.pop(GRAPH, None)


router = APIRouter(tags=["open inference protocol"], route_class=GraphRoute)


@router.post("/v2/models/{model}/versions/{version}/infer", include_in_schema=False)
@router.post(
    "/v2/models/{model}/infer",
    summary="Run a graph",
    responses={200: tensors(), **protocol_responses(*INFER)},
    response_class=Response,
    openapi_extra=tensors_body(EXAMPLES),
)
async def infer(request: Request, graph: Served, models: Models, call: Calls) -> Response:
    """Takes all inputs of the graph, with as many rows each, and gives its outputs, or those asked for.

    Tensors are JSON, or bytes behind it. `png`, which is made of a decoder's images, must be asked for, and
    is base64 in JSON. Bodies may
    be packed with gzip or deflate; answers are, if `Accept-Encoding` wants it.
    """
    message, arrays = await _read(request, graph, models, call)
    wanted = choose_outputs(message, graph.outputs)
    _shorten(models, call, message)
    results = await graph.run(request, arrays, call)
    extra = {
        "model_name": graph.name,
        "model_version": graph.version,
        "id": (message and message.id) or request.state.request_id,
    }
    encoding = choose_encoding(read_field(request, "accept-encoding"), ENCODINGS)
    return await _answer(graph, extra, wanted, results, call, encoding)


async def _read(
    request: Request, graph: V2Model, models: Registry, call: RequestContext
) -> tuple[InferRequest | None, Mapping[str, Floats]]:
    limit, length = limit_json(models, "binary tensors"), read_field(request, LENGTH_HEADER)
    if length is None:
        limit_body(request, limit)
    else:
        check_length(length, limit.max_bytes, limit.expected)
    content = await read_body(request, call)
    head, binary = split_body(content, length)
    if length is not None and not head:
        return None, read_raw(binary, graph.inputs)

    def parse() -> tuple[InferRequest, Mapping[str, Floats]]:
        message = parse_json(head, InferRequest, limit)
        return message, read_inputs(message.inputs, None if length is None else binary, graph.inputs)

    return await parse_apart(request, len(head), parse, call)


def _shorten(models: Registry, call: RequestContext, message: InferRequest | None) -> None:
    timeout: Any = ((message and message.parameters) or {}).get("timeout")
    if timeout is None:
        return
    if type(timeout) is not int or timeout < 1:
        raise InvalidValueError("parameters.timeout", "microseconds, an integer above 0", timeout)
    call.deadline = min(call.deadline, models.open_call(timeout / 1000).deadline)


async def _answer(
    graph: V2Model,
    extra: Mapping[str, str],
    wanted: Sequence[AskedOutput],
    results: Mapping[str, Floats],
    call: RequestContext,
    encoding: Encoding | None,
) -> Response:
    write = functools.partial(_write, extra, wanted, results, encoding)
    begun = time.perf_counter()
    inline = encoding is None and sum(result.size for result in results.values()) <= INLINE_PIXELS
    content, fields = write() if inline else await call.run(write)
    call.encode_s = time.perf_counter() - begun
    manifest = graph.engine.manifest
    fields += [encode_model(manifest.name, manifest.version), (TIMING_FIELD, call.timing()), VARIES]
    return RawResponse(200, content, [*fields, (b"content-length", b"%d" % len(content))])


def _write(
    extra: Mapping[str, str],
    wanted: Sequence[AskedOutput],
    results: Mapping[str, Floats],
    encoding: Encoding | None,
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    made = complete(results, {output.port.name for output in wanted})
    content, length = write_answer(extra, wanted, made)
    fields = [TYPED_JSON] if length is None else [TYPED_OCTETS, (LENGTH_FIELD, b"%d" % length)]
    if encoding is not None and len(content) >= MIN_COMPRESSED_BYTES:
        fields.append((b"content-encoding", encoding.encode()))
        content = compress(content, encoding)
    return content, fields
