"""LitServe with what its documentation offers for speed: batching and ZeroMQ (`fast_queue`)."""

# No `from __future__ import annotations`: LitServe then takes the request's body for a query and answers 422.

import sys
from typing import Any

import litserve
import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from benchmarks.peers.picture import write_png
from benchmarks.peers.session import decode, open_session

Bytes = NDArray[np.uint8]


class Decoder(litserve.LitAPI):
    """The decoder; each method's contract is LitServe's."""

    def setup(self, _device: str) -> None:
        """Load it."""
        self.session = open_session()

    def decode_request(self, request: dict[str, Any]) -> list[float]:
        """Return a request's vector."""
        vector: list[float] = request["z"]
        return vector

    def batch(self, inputs: list[list[float]]) -> NDArray[np.float32]:
        """Return the vectors as `(batch, 2)` float32."""
        return np.array(inputs, np.float32)

    def predict(self, x: NDArray[np.float32]) -> Bytes:
        """Return the pictures, `(batch, 28, 28)` uint8."""
        return decode(self.session, x)

    def unbatch(self, output: Bytes) -> list[Bytes]:
        """Return one picture a request."""
        return list(output)

    def encode_response(self, output: Bytes) -> Response:
        """Return the answer."""
        return Response(write_png(output), media_type="image/png")


if __name__ == "__main__":
    api = Decoder(max_batch_size=64, batch_timeout=0.001, api_path="/decode")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
