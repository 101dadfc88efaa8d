"""Makes the requests of a kind: number i is another one for each i, and the same one in each run."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness.series import Request
from benchmarks.peers.session import decode, open_session

JSON, OCTETS = "application/json", "application/octet-stream"
INFER = "/v2/models/mnist-2d.decoder/infer"

Make = Callable[[int], Request]


def draw(i: int, n: int = 1) -> list[list[float]]:
    """Return `n` latent vectors, other ones for each `i`."""
    vectors: list[list[float]] = np.random.default_rng((n, i)).standard_normal((n, 2)).round(4).tolist()
    return vectors


def decode_vectors(i: int, n: int = 1) -> NDArray[np.uint8]:
    """Return the pictures of `draw(i, n)`, `(n, 28, 28)` uint8."""
    return decode(_session(), draw(i, n))


_session = functools.cache(open_session)


def draw_file(i: int, scale: int = 1) -> bytes:
    """Return a PNG file of a digit, each of its pixels `scale` pixels wide."""
    pixels = np.kron(decode_vectors(i)[0], np.ones((scale, scale), np.uint8))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def get(target: str, **headers: str) -> Make:
    """Make GETs; in the target, `{z}` is a vector and `{seed}` a number, other ones each time."""

    def make(i: int) -> Request:
        z = ",".join(map(str, draw(i)[0]))
        return Request("GET", target.format(z=z, seed=i + 1), headers=tuple(headers.items()))

    return make


def post(target: str, body: Callable[[int], object], media_type: str = JSON) -> Make:
    """Make POSTs of JSON."""

    def make(i: int) -> Request:
        content = json.dumps(body(i), separators=(",", ":")).encode()
        return Request("POST", target, content, (("Content-Type", media_type),))

    return make


def upload(target: str, scale: int = 1) -> Make:
    """Make POSTs of a PNG file."""
    return lambda i: Request("POST", target, draw_file(i, scale), (("Content-Type", "image/png"),))


def name_tensor(i: int, **how: object) -> dict[str, object]:
    """Return a V2 request for a vector, `how` saying where its numbers are."""
    # With an id of its own: the service gives those without one a random one.
    return {"id": str(i), "inputs": [{"name": "z", "shape": [1, 2], "datatype": "FP32", **how}]}


def infer_binary(i: int) -> Request:
    """Return a V2 request whose tensors are bytes, both ways."""
    z = np.array(draw(i), np.float32).tobytes()
    fields = name_tensor(i, parameters={"binary_data_size": len(z)})
    fields["outputs"] = [{"name": "image", "parameters": {"binary_data": True}}]
    head = json.dumps(fields, separators=(",", ":")).encode()
    headers = (
        ("Content-Type", OCTETS),
        ("Inference-Header-Content-Length", str(len(head))),
    )
    return Request("POST", INFER, head + z, headers)
