"""Convert Keras networks to ONNX, and refuse a graph that computes something else.

Invariants: the batch axis is free; no op is random; names are those of the bundle contract; every output
is within `TOLERANCE` of Keras' at each of `PARITY_BATCHES`, absolute up to 1 and relative above.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from training.config import TrainingError
from training.models.vae import ConvolutionalVAE
from training.onnx.half_precision import round_weights, store_halves
from training.onnx.softplus import split_softplus
from training.onnx.tidy import fix_inputs, tidy
from training.onnx.weights import lift_matrices

Floats = NDArray[np.float32]
Function = Callable[..., Mapping[str, Floats]]

OPSET = 18
TOLERANCE = 1e-5
PARITY_BATCHES = (1, 7, 64)
# Nats. Two machines' sums over pixels differ by a thousandth of it.
SURE_LEAD = 0.01
RANDOM_OPS = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Dropout",
}


class ExportError(TrainingError):
    """A graph cannot be exported as the bundle contract has it."""


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network in both forms.

    Attributes:
        name: "encoder" or "decoder".
        keras: Inputs, in their order, to outputs by name, as Keras computes them.
        onnx: The exported file.
    """

    name: str
    keras: Function
    onnx: bytes

    def run(self) -> Function:
        """Return the exported file as a function, run by onnxruntime."""
        return open_onnx(self.onnx)


def export(model: ConvolutionalVAE, x: Floats) -> tuple[Graph, Graph]:
    """Export encoder and decoder and check both.

    Args:
        model: Trained; the graphs have its weights rounded to float16, as the files keep them.
        x: `(n, height, width, channels)` float32 in [0, 1], images such as the model knows. On noise the
            encoder's outputs grow tenfold, and float32's rounding with them.

    Returns:
        The encoder, `x` → `z_mean`, `z_log_var`, and the decoder, `z` → `image`, or `z`, `label` → `image`.

    Raises:
        ExportError: A graph is invalid, random, or differs from Keras.
    """

    def encode(x: tf.Tensor, *points: tf.Tensor) -> dict[str, tf.Tensor]:
        return model.infer(x, *points)

    def decode(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = list(given) if model.config.conditional else given[0]
        return {"image": keras.ops.sigmoid(model.decoder(inputs, training=False))}

    model = round_model(model)
    # Decoded by TensorFlow the grid would be a megabyte and more; what opens the file decodes it anew.
    points = {} if model.points is None else {"points": model.points}
    infer, weights = lift_matrices(encode, model.encoder, model.decoder)
    encoder = convert("encoder", infer, model.encoder.inputs, {**points, **weights})
    generate, weights = lift_matrices(decode, model.decoder)
    decoder = convert("decoder", generate, model.decoder.inputs, weights)
    rows = max(PARITY_BATCHES)
    sure = x[find_sure(model, x)]
    check_parity(encoder, np.resize(sure, (rows, *x.shape[1:])))
    z = np.random.default_rng(0).standard_normal((rows, model.config.latent_dim), dtype=np.float32)
    labels = [tensor.shape[1] for tensor in model.decoder.inputs[1:]]
    check_parity(decoder, z, *(np.resize(np.eye(n, dtype=np.float32), (rows, n)) for n in labels))
    return encoder, decoder


def round_model(model: ConvolutionalVAE) -> ConvolutionalVAE:
    """Return a copy of a model with its weights rounded to float16, as `export` writes them."""
    labels = sum(tensor.shape[1] for tensor in model.decoder.inputs[1:])
    components = None if model.prior is None else model.prior.of_label
    rounded = ConvolutionalVAE(model.config, model.encoder.inputs[0].shape[1:], labels, components)
    rounded.set_weights(model.get_weights())
    round_weights(rounded)
    return rounded


def find_sure(model: ConvolutionalVAE, x: Floats) -> NDArray[np.int64]:
    """Return the rows of images whose posterior another machine finds in the same place.

    Where two starts are within float32's rounding of each other, either is right.

    Args:
        model: Trained.
        x: `(n, height, width, channels)` float32 in [0, 1].

    Returns:
        `(rows,)`, rising.

    Raises:
        ExportError: There is none.
    """
    sure = np.flatnonzero(np.asarray(model.measure_lead(x)) > SURE_LEAD)
    if not len(sure):
        raise ExportError("encoder: expected images whose best start is ahead of the next, found none")
    return sure


def convert(
    name: str,
    function: Callable[..., dict[str, Any]],
    inputs: Sequence[Any],
    constants: Mapping[str, Floats] | None = None,
) -> Graph:
    """Convert one function to ONNX and check the graph.

    `from_keras` breaks on Keras 3 models (tensorflow-onnx issue 2448); `from_function` over a function
    that returns a dict works and keeps the dict's names.

    Args:
        name: Of the graph.
        function: Tensors to a dict of tensors.
        inputs: Name, shape and dtype of each; None as the batch.
        constants: Further arguments, in the order of the function's. In the graph they are constants, but
            nothing that is computed from them is: that is left to what opens it.

    Returns:
        The graph in both forms.

    Raises:
        ExportError: It is not valid ONNX, or has a random op.
    """
    constants = constants or {}
    signature = [tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name) for tensor in inputs]
    signature += [tf.TensorSpec(array.shape, array.dtype, name=key) for key, array in constants.items()]
    traced = tf.function(function, input_signature=signature)
    with _optimize_in_place():
        proto, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=OPSET)
    fix_inputs(proto.graph, constants)
    split_softplus(proto.graph)
    store_halves(proto)
    tidy(proto, name)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"{name}: expected a valid ONNX graph: {error}") from error
    if random := sorted(RANDOM_OPS & {node.op_type for node in proto.graph.node}):
        raise ExportError(f"{name}: expected no random op, found {', '.join(random)}")
    content: bytes = proto.SerializeToString(deterministic=True)
    fixed = [tf.constant(array) for array in constants.values()]
    return Graph(name, _as_numpy(lambda *given: traced(*given, *fixed)), content)


@contextlib.contextmanager
def _optimize_in_place() -> Iterator[None]:
    """Have tf2onnx raise what its optimizers raise, so that it copies no graph before each of them.

    These copies hold each other until they are collected: of 5 million constants they are 1.2 GB.
    """
    with mock.patch.dict(os.environ, TF2ONNX_CATCH_ERRORS="FALSE"):
        yield
    gc.collect()


def check_parity(graph: Graph, *inputs: Floats) -> None:
    """Compare both forms of a graph.

    Args:
        graph: To check.
        *inputs: Of the graph; their first 1, 7 and 64 rows are compared.

    Raises:
        ExportError: An output's name, or one of its values by more than `TOLERANCE`, differs.
    """
    run = graph.run()
    for batch in PARITY_BATCHES:
        rows = [array[:batch] for array in inputs]
        expected, found = graph.keras(*rows), run(*rows)
        if set(expected) != set(found):
            raise ExportError(f"{graph.name}: expected outputs {sorted(expected)}, found {sorted(found)}")
        for name, values in expected.items():
            difference = float(np.max(np.abs(values - found[name]) / np.maximum(1, np.abs(values))))
            if not difference <= TOLERANCE:
                raise ExportError(
                    f"{graph.name}: {name}: expected Keras and ONNX within {TOLERANCE} at batch {batch}, "
                    f"found a difference of {difference:.3g}"
                )


def open_onnx(content: bytes) -> Function:
    """Return an ONNX file as a function.

    Args:
        content: The file.

    Returns:
        Inputs, in the file's order, to outputs by name, computed on the CPU.
    """
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = [node.name for node in session.get_inputs()]
    names = [node.name for node in session.get_outputs()]

    def run(*arrays: Floats) -> Mapping[str, Floats]:
        return dict(zip(names, session.run(names, dict(zip(inputs, arrays, strict=True))), strict=True))

    return run


def _as_numpy(function: Callable[[Any], Mapping[str, Any]]) -> Function:
    def run(*arrays: Floats) -> Mapping[str, Floats]:
        return {name: np.asarray(value) for name, value in function(*map(tf.constant, arrays)).items()}

    return run
