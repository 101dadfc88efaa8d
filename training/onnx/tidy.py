"""Give a converted graph the form that the bundle contract asks for; what it computes stays the same."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


def fix_inputs(graph: onnx.GraphProto, constants: Mapping[str, NDArray[np.float32]]) -> None:
    """Make some inputs of a graph constants, and leave out those that no node reads."""
    read = {tensor for node in graph.node for tensor in node.input}
    for value in [value for value in graph.input if value.name in constants]:
        graph.input.remove(value)
        if value.name in read:
            graph.initializer.append(numpy_helper.from_array(constants[value.name], value.name))


def tidy(proto: onnx.ModelProto, name: str) -> None:
    """Order nodes and name tensors by the graph's shape alone, so that equal weights give equal files."""
    graph = proto.graph
    graph.name, graph.doc_string = name, ""
    graph.output.sort(key=lambda value: value.name)
    del graph.value_info[:]
    _order(graph)
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    for i, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{i}"
        for tensors in (node.input, node.output):
            for j, tensor in enumerate(tensors):
                tensors[j] = names.setdefault(tensor, f"t{len(names)}")
    for initializer in graph.initializer:
        initializer.name = names[initializer.name]
    graph.initializer.sort(key=lambda tensor: int(tensor.name[1:]))
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def _order(graph: onnx.GraphProto) -> None:
    makers = {tensor: node for node in graph.node for tensor in node.output}
    ordered: dict[str, onnx.NodeProto] = {}

    def visit(tensor: str) -> None:
        node = makers.get(tensor)
        if node is not None and node.name not in ordered:
            for earlier in node.input:
                visit(earlier)
            ordered[node.name] = node

    for value in graph.output:
        visit(value.name)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered.values()]
    del graph.node[:]
    graph.node.extend(nodes)
