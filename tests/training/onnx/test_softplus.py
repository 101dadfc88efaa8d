from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.onnx.softplus import split_softplus


def twice() -> onnx.ModelProto:
    """y = softplus(softplus(x) - 3)."""
    nodes = [
        helper.make_node("Softplus", ["x"], ["first"], "one"),
        helper.make_node("Sub", ["first", "three"], ["less"], "difference"),
        helper.make_node("Softplus", ["less"], ["y"], "two"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch"]) for name in "xy")
    three = helper.make_tensor("three", TensorProto.FLOAT, [], [3.0])
    graph = helper.make_graph(nodes, "two", [x], [y], [three])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(proto: onnx.ModelProto, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def test_softplus_is_the_same_without_its_operation() -> None:
    x = np.concatenate([np.linspace(-30, 30, 6001), [-3e38, -200, -0.0, 200, 3e38]]).astype(np.float32)
    proto = twice()
    before = run(proto, x)
    split_softplus(proto.graph)
    onnx.checker.check_model(proto, full_check=True)
    assert "Softplus" not in [node.op_type for node in proto.graph.node]
    exact = np.logaddexp(0, np.logaddexp(0, x.astype(np.float64)) - 3)
    np.testing.assert_allclose(run(proto, x), exact, rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(run(proto, x), before, rtol=4e-7, atol=4e-7)


def test_a_graph_without_softplus_stays_as_it_is() -> None:
    proto = twice()
    del proto.graph.node[2], proto.graph.node[0]
    proto.graph.node[0].input[0] = "x"
    proto.graph.node[0].output[0] = "y"
    before = proto.SerializeToString(deterministic=True)
    split_softplus(proto.graph)
    assert proto.SerializeToString(deterministic=True) == before
