"""Writes the answers of fake servers: the picture of one vector, in each form."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peers.session import decode, open_session

PIXELS = decode(open_session(), [[0.5, -1.0]])


def write_png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def save(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def say_tensor(pixels: NDArray[np.uint8], name: str) -> bytes:
    tensor = {"name": "image", "shape": list(pixels.shape), "data": pixels.reshape(-1).tolist()}
    return json.dumps({"id": name, "outputs": [tensor]}, separators=(",", ":")).encode()
