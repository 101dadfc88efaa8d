from __future__ import annotations

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.onnx.half_precision import round_weights, store_halves

X = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


def matmul(weight: NDArray[np.float32]) -> onnx.ModelProto:
    """y = x weight."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "product")],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", weight.shape[1]])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(proto: onnx.ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": X})[0])


def test_rounded_weights_take_half_the_bytes_and_give_the_same_numbers() -> None:
    weight = np.random.default_rng(1).standard_normal((4, 500)).astype(np.float16).astype(np.float32)
    proto = matmul(weight)
    expected, size = run(proto), proto.ByteSize()
    store_halves(proto)
    onnx.checker.check_model(proto, full_check=True)
    assert np.array_equal(run(proto), expected)
    assert proto.ByteSize() < 0.55 * size


@pytest.mark.parametrize("value", [0.1, 1e-9, 7e4, np.inf])
def test_a_weight_that_float16_cannot_hold_stays(value: float) -> None:
    weight = np.ones((4, 5), np.float32)
    weight[2, 3] = value
    proto = matmul(weight)
    store_halves(proto)
    # Infinity is a float16; the others would come back changed.
    held = TensorProto.FLOAT16 if np.isinf(value) else TensorProto.FLOAT
    assert [tensor.data_type for tensor in proto.graph.initializer] == [held]
    assert np.array_equal(numpy_helper.to_array(proto.graph.initializer[0]).astype(np.float32), weight)


def test_weights_are_rounded_to_the_nearest() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(50)])
    before = [np.asarray(variable) for variable in model.trainable_variables]
    round_weights(model)
    for old, variable in zip(before, model.trainable_variables, strict=True):
        new = np.asarray(variable)
        assert new.dtype == np.float32
        assert np.array_equal(new, old.astype(np.float16).astype(np.float32))
        np.testing.assert_allclose(new, old, rtol=2**-11, atol=2**-25)
