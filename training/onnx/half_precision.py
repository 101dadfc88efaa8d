"""Keep weights in float16, which halves a bundle; what computes with them stays float32.

Invariant: `store_halves` changes no value. It leaves alone whatever float16 cannot hold, so it is exact for
any graph, and pays for one whose weights `round_weights` has been over.
"""

from __future__ import annotations

import keras
import numpy as np
import onnx
from onnx import numpy_helper


def round_weights(model: keras.Model) -> None:
    """Round every weight to the nearest float16, in place; the variables stay float32.

    A weight of a network of this size moves by 2**-11 of itself at most, less than a thousandth of what an
    epoch moves it.

    Args:
        model: Trained.
    """
    for variable in model.trainable_variables:
        variable.assign(np.asarray(variable).astype(np.float16).astype(np.float32))


def store_halves(proto: onnx.ModelProto) -> None:
    """Replace each float32 constant that is exact in float16 by that, and a cast in front of its readers.

    onnxruntime does the cast once, when it loads the file.

    Args:
        proto: Changed in place.
    """
    graph = proto.graph
    for initializer in list(graph.initializer):
        if initializer.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(initializer)
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if values.ndim == 0 or not np.array_equal(halves.astype(np.float32), values):
            continue
        name = f"{initializer.name}_float16"
        cast = onnx.helper.make_node("Cast", [name], [initializer.name], name, to=onnx.TensorProto.FLOAT)
        graph.initializer.remove(initializer)
        graph.initializer.append(numpy_helper.from_array(halves, name))
        graph.node.insert(0, cast)
