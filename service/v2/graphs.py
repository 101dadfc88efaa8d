"""The graphs of the loaded bundles as models of the Open Inference Protocol: names, tensors, results.

Each bundle has two: `<name>.decoder` and `<name>.encoder`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

import numpy as np
from fastapi import Request

from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import Graph
from service.core.errors import NotFoundError, QueueFullError
from service.http.disconnect import unless_gone
from service.imaging.formats.png import write_png
from service.imaging.pixels import to_bytes
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.latent.space import Z_LIMIT
from service.v2.outputs import Result
from service.v2.tensors import Port

KINDS: tuple[Graph, ...] = get_args(Graph)
IMAGE, PNG = "image", "png"


class V2Model:
    """A graph of a bundle, and the engine that runs it.

    Attributes:
        name: `<bundle>.<kind>`.
        engine: The engine of the bundle.
        kind: Which of the bundle's graphs.
        inputs: The tensors that it takes, as in the manifest.
        outputs: The tensors that it returns; for a decoder also `png`, the images as files.
    """

    def __init__(self, engine: Engine, kind: Graph) -> None:
        self.engine, self.kind = engine, kind
        self.name = f"{engine.manifest.name}.{kind}"
        space = engine.space
        ports = describe_ports(kind, engine.manifest.image.shape, space.dim, len(space.labels))
        self.inputs, self.outputs = ports

    @property
    def version(self) -> str:
        """The version of the bundle."""
        return self.engine.manifest.version

    @property
    def number(self) -> str:
        """The version as a decimal number: Triton's tools read versions as integers."""
        return str(int(self.version, 16))

    @property
    def ready(self) -> bool:
        """Whether it can answer."""
        return not self.engine.failed

    def check(self) -> None:
        """Raise what any request would get now; see `Engine.check`. A full queue is counted."""
        try:
            self.engine.check(self.kind)
        except QueueFullError:
            self.engine.batchers[self.kind].statistics.fail()
            raise

    async def run(
        self, request: Request, arrays: Mapping[str, Floats], call: RequestContext
    ) -> dict[str, Floats]:
        """Run the graph, in batches shared with other requests.

        Args:
            request: If its client goes, its rows never run.
            arrays: One for each of `inputs`, by name; `(rows, *shape)` float32.
            call: The request's context.

        Returns:
            The graph's own outputs by name; `(rows, *shape)` float32.

        Raises:
            InvalidValueError: Too many rows. Errors are also those of `Engine.submit` and `encode`.
        """
        given = [arrays[port.name] for port in self.inputs]
        self.engine.space.check_rows("rows", len(given[0]))
        if self.kind == "encoder":
            posterior = await unless_gone(request, self.engine.encode(given[0], call))
            return {"z_mean": posterior.z_mean, "z_log_var": posterior.z_log_var}
        rows = given[0] if len(given) == 1 else np.concatenate(given, axis=1)
        # The future itself: to await `Engine.decode` would take a task, and a turn of the event loop.
        images = await unless_gone(request, self.engine.submit(rows, call))
        return {IMAGE: self.engine.collect(rows, images, call).image}


class Ports(NamedTuple):
    """What a graph takes and returns."""

    inputs: Sequence[Port]
    outputs: Sequence[Port]


@functools.lru_cache(256)
def describe_ports(kind: Graph, image: tuple[int, ...], dim: int, labels: int) -> Ports:
    """Return the ports of a graph.

    Args:
        kind: Which of a bundle's graphs.
        image: The shape of a picture.
        dim: The number of latent dimensions.
        labels: How many labels the decoder takes.
    """
    if kind == "encoder":
        return Ports([Port("x", image, low=0, high=1)], [Port("z_mean", (dim,)), Port("z_log_var", (dim,))])
    inputs = [Port("z", (dim,), low=-Z_LIMIT, high=Z_LIMIT)]
    if labels:
        inputs.append(Port("label", (labels,), low=0, high=1))
    return Ports(inputs, [Port(IMAGE, image), Port(PNG, (), "BYTES", implied=False)])


def complete(results: Mapping[str, Floats], names: set[str]) -> dict[str, Result]:
    """Add to a graph's results the outputs that the service makes of them.

    Args:
        results: From `V2Model.run`.
        names: The names of the outputs to answer with.

    Returns:
        The results, and `png` if it is named: each image as a file, in their order.
    """
    if PNG not in names:
        return dict(results)
    return {**results, PNG: [write_png(pixels) for pixels in to_bytes(results[IMAGE])]}


def list_graphs(registry: Registry) -> Iterator[V2Model]:
    """Return the graphs of all bundles."""
    return (V2Model(engine, kind) for engine in registry for kind in KINDS)


def list_versions(registry: Registry) -> Iterator[V2Model]:
    """Return the graphs of all bundles, those of earlier versions that are kept behind them."""
    return (V2Model(engine, kind) for engine in registry.served for kind in KINDS)


def find_graph(registry: Registry, name: str, version: str | None = None) -> V2Model:
    """Return a graph by name.

    Args:
        registry: The loaded models.
        name: `<bundle>.decoder` or `<bundle>.encoder`.
        version: The version of the bundle, or its number; None: the current one.

    Raises:
        NotFoundError: There is no such graph, or no such version of it.
        NotReadyError: The models are not loaded.
    """
    registry.get()
    bundle, _, kind = name.rpartition(".")
    served = registry.served
    if bundle not in served.engines or kind not in KINDS:
        known = ", ".join(graph.name for graph in list_graphs(registry))
        raise NotFoundError("model", f"one of {known}", name)
    if version is None:
        return V2Model(served.engines[bundle], kind)
    versions = served.list_versions(bundle)
    by_number = {str(int(known, 16)): known for known in versions}
    found = by_number.get(version, version)
    if found not in versions:
        expected = (
            f"{versions[0]}, which is loaded" if len(versions) == 1 else f"one of {', '.join(versions)}"
        )
        raise NotFoundError("version", expected, version)
    return V2Model(served.find(bundle, found), kind)
