"""The demo that a service replaces: Flask, and Keras in the request; the decoder's layers, random weights."""

from __future__ import annotations

import io

import numpy as np
from flask import Flask, Response, request
from PIL import Image

from training.config import TrainConfig
from training.models.networks import build_decoder

app = Flask(__name__)
model = build_decoder(TrainConfig(), (28, 28, 1))


@app.post("/decode")
def decode() -> Response:
    """Answer a PNG."""
    x_logits = model.predict(np.array([request.get_json()["z"]], np.float32), verbose=0)
    pixels = 255 / (1 + np.exp(-x_logits[0, ..., 0]))
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "png")
    return Response(buffer.getvalue(), mimetype="image/png")
