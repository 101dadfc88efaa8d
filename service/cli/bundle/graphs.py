"""Read ONNX files of any framework as graphs of the bundle contract."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import click
import onnx

IMAGE_AXES = 4


@dataclasses.dataclass(frozen=True)
class Graph:
    """An ONNX file that keeps the contract.

    Attributes:
        content: The file, its weights inside.
        opset: Of its operators.
        inputs: Shapes by name; the first entry of each is "batch".
        outputs: As `inputs`.
        producer: Name and version of what exported it.
    """

    content: bytes
    opset: int
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    producer: tuple[str, str]


def read_graph(
    path: pathlib.Path, inputs: dict[str, Sequence[int]], outputs: dict[str, Sequence[int]]
) -> Graph:
    """Read a file, take in the weights that lie beside it, and name its tensors as the contract does.

    Args:
        path: Of the file.
        inputs: The shape of one row of each, by name.
        outputs: As `inputs`.

    Raises:
        click.ClickException: It is no ONNX file, its weights are missing, or its tensors do not fit.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's errors and onnx's have no base of their own
        reason = str(error).strip().partition("\n")[0]
        raise click.ClickException(f"{path}: expected an ONNX file and its weights: {reason}") from error
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [tensor for tensor in model.graph.input if tensor.name not in weights]
    _rename(path, model, given, inputs)
    _rename(path, model, model.graph.output, outputs)
    del model.graph.value_info[:]  # of names that may be others now
    onnx.checker.check_model(model)
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    shapes = [{name: ["batch", *shape] for name, shape in group.items()} for group in (inputs, outputs)]
    producer = (model.producer_name or "exporter", model.producer_version or "unknown")
    return Graph(model.SerializeToString(deterministic=True), opset, shapes[0], shapes[1], producer)


def _rename(path: pathlib.Path, model: Any, tensors: Sequence[Any], wanted: dict[str, Sequence[int]]) -> None:
    if len(tensors) != len(wanted):
        found = ", ".join(tensor.name for tensor in tensors) or "none"
        raise click.ClickException(f"{path}: expected the tensors {', '.join(wanted)}, found {found}")
    if {tensor.name for tensor in tensors} != set(wanted):
        for tensor, name in zip(tensors, wanted, strict=True):
            _replace(model.graph, tensor, name)
    for tensor in tensors:
        _check_shape(path, tensor, wanted[tensor.name])


def _replace(graph: Any, tensor: Any, name: str) -> None:
    old = tensor.name
    if old == name:
        return
    click.echo(f"{graph.name or 'graph'}: {old} is taken for {name}", err=True)
    taken = {each for node in graph.node for each in (*node.input, *node.output)}
    if name in taken:  # an inner tensor that has the name already
        _swap(graph, name, f"{name}_inner")
    _swap(graph, old, name)
    tensor.name = name


def _swap(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for i, each in enumerate(names):
                if each == old:
                    names[i] = new


def _check_shape(path: pathlib.Path, tensor: Any, row: Sequence[int]) -> None:
    axes = tensor.type.tensor_type.shape.dim
    sizes = [axis.dim_value for axis in axes]
    fits = len(sizes) == 1 + len(row) and all(
        found in (0, size) for found, size in zip(sizes[1:], row, strict=True)
    )
    if not fits:
        last = "; channels come last" if len(row) == IMAGE_AXES - 1 else ""
        shape = ", ".join(str(axis.dim_value or axis.dim_param or "?") for axis in axes)
        expected = ", ".join(map(str, row))
        raise click.ClickException(
            f"{path}: {tensor.name}: expected the shape (batch, {expected}){last}, found ({shape})"
        )
    axes[0].dim_param = "batch"
    for axis, size in zip(axes[1:], row, strict=True):
        axis.dim_value = size
