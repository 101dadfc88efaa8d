"""That the multiply-adds of a network are counted right."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.suites.decoder import count_multiply_adds


def make_model(
    nodes: list[onnx.NodeProto], shape: list[int], **weights: NDArray[np.floating[Any]]
) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def test_a_dense_layer_multiplies_each_input_with_each_weight_once() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "b", "c"], ["y"]),
    ]
    a, b, c = (np.zeros(shape, np.float32) for shape in ((2, 3), (3, 5), (5,)))
    assert count_multiply_adds(make_model(nodes, [2], a=a, b=b, c=c)) == 2 * 3 + 3 * 5


def test_a_convolution_does_at_each_output_pixel_what_its_kernel_asks() -> None:
    node = helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])
    kernel = np.zeros((5, 2, 3, 3), np.float32)
    assert count_multiply_adds(make_model([node], [2, 4, 4], kernel=kernel)) == (4 * 4 * 5) * (2 * 3 * 3)


def test_weights_kept_in_float16_count_too() -> None:
    nodes = [
        helper.make_node("Cast", ["half"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "whole"], ["y"]),
    ]
    half = np.zeros((2, 3), np.float16)
    assert count_multiply_adds(make_model(nodes, [2], half=half)) == 2 * 3
