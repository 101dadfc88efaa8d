"""FastAPI the way tutorials write it: a plain function, onnxruntime as it comes, Pillow as it comes."""

from __future__ import annotations

import io

import numpy as np
import onnxruntime
from fastapi import FastAPI, Response
from PIL import Image
from pydantic import BaseModel

from benchmarks.peers import DECODER

app = FastAPI()
session = onnxruntime.InferenceSession(DECODER)


class Vector(BaseModel):
    """The body of a request."""

    z: list[float]


@app.post("/decode")
def decode(vector: Vector) -> Response:
    """Answer a PNG."""
    (images,) = session.run(None, {"z": np.array([vector.z], np.float32)})
    buffer = io.BytesIO()
    Image.fromarray((images[0, ..., 0] * 255).astype(np.uint8)).save(buffer, "png")
    return Response(buffer.getvalue(), media_type="image/png")
