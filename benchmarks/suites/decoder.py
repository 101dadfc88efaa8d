"""Measure the decoder alone, on one thread, against the processor's peak.

Start it by `python -m benchmarks.suites.decoder`.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from benchmarks.harness.markdown import describe, tabulate
from benchmarks.peers import DECODER
from benchmarks.peers.session import open_session

BATCHES = (1, 8, 32, 128)
SIDE = 512
SECONDS, REPEATS = 0.5, 5


def count_multiply_adds(model: onnx.ModelProto) -> int:
    """Count the multiply-adds of one row through a network's MatMul, Gemm and Conv nodes.

    Args:
        model: Whose first dimension is the batch; the second input of those nodes is a constant.

    Returns:
        Their number; other nodes count nothing.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    weights = {weight.name: list(weight.dims) for weight in graph.initializer}
    # A bundle keeps its weights in float16, with a cast in front of their readers.
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in weights]
    weights |= {node.output[0]: weights[node.input[0]] for node in casts}
    values = {value.name: value.type.tensor_type.shape.dim for value in (*graph.value_info, *graph.output)}
    total = 0
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm", "Conv"):
            continue
        outputs = math.prod(dim.dim_value for dim in list(values[node.output[0]])[1:])
        shape = weights[node.input[1]]
        channels = shape[0] if node.op_type == "Conv" else shape[-1]
        total += outputs * math.prod(shape) // channels
    return total


def make_product() -> onnxruntime.InferenceSession:
    """Return a session, on one thread, that multiplies two matrices of `SIDE` x `SIDE` float32."""
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (SIDE, SIDE)) for name in "abc"]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])], "product", infos[:2], infos[2:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def find_rate(call: Callable[[], object]) -> float:
    """Return calls a second: the best of several repeats, others on the machine only slow it down."""
    call()
    rates = []
    for _ in range(REPEATS):
        calls, start = 0, time.perf_counter()
        while (seconds := time.perf_counter() - start) < SECONDS:
            call()
            calls += 1
        rates.append(calls / seconds)
    return max(rates)


def main() -> int:
    """Measure and print a table.

    Returns:
        The exit status, 0.
    """
    rng = np.random.default_rng(0)
    session, product = open_session(), make_product()
    matrices = {name: rng.standard_normal((SIDE, SIDE), np.float32) for name in "ab"}
    peak = find_rate(lambda: product.run(None, matrices)) * SIDE**3
    cost = count_multiply_adds(onnx.load(DECODER))
    rows = []
    for batch in BATCHES:
        vectors = {"z": rng.standard_normal((batch, 2), np.float32)}
        rate = find_rate(lambda vectors=vectors: session.run(None, vectors)) * batch  # type: ignore[misc]
        rows.append((batch, f"{rate:,.0f}", f"{rate * cost / peak:.0%}"))
    text = (
        f"One thread; {cost:,} multiply-adds an image; "
        f"sgemm of {SIDE} x {SIDE} makes {peak / 1e9:.1f} thousand million a second."
    )
    sys.stdout.write(describe("The decoder alone", text) + "\n")
    sys.stdout.write(tabulate(("batch", "images/s", "share of sgemm"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
