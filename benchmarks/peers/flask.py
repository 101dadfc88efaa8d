"""The demo that a service replaces: Flask, and Keras in the request; the decoder of the others, as Keras."""

from __future__ import annotations

import io

import numpy as np
import onnx
from flask import Flask, Response, request
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

from benchmarks.peers import DECODER
from training.config import TrainConfig
from training.models.networks import build_decoder


def read_weights() -> list[NDArray[np.float32]]:
    """Return the weights of the committed decoder, layer by layer, as Keras has them."""
    held = [numpy_helper.to_array(tensor) for tensor in onnx.load(DECODER).graph.initializer]
    weights = [array.astype(np.float32) for array in held if array.dtype.kind == "f"]
    # Kernels of convolutions: (out, in, height, width) to (height, width, in, out).
    return [array.transpose(2, 3, 1, 0) if array.ndim == 4 else array for array in weights]


app = Flask(__name__)
model = build_decoder(TrainConfig(), (28, 28, 1))
model.set_weights(read_weights())


@app.post("/decode")
def decode() -> Response:
    """Answer a PNG."""
    x_logits = model.predict(np.array([request.get_json()["z"]], np.float32), verbose=0)
    pixels = 255 / (1 + np.exp(-x_logits[0, ..., 0]))
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "png")
    return Response(buffer.getvalue(), mimetype="image/png")
