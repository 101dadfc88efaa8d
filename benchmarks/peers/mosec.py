"""mosec: its Rust server and batcher before one Python process, with our decoder and PNG writer."""

from __future__ import annotations

import os
from typing import Any

import orjson
from mosec import Server, Worker
from zlib_ng import zlib_ng

from benchmarks.peers.png import write_png
from benchmarks.peers.session import decode, open_session

# The shortest that mosec knows. A full batch does not wait, so the best size is the number of connections.
MAX_WAIT_MS = 1


class Decoder(Worker):
    """The decoder; each method's contract is mosec's."""

    resp_mime_type = "image/png"

    def __init__(self) -> None:
        """Load the decoder."""
        super().__init__()
        self.session = open_session()

    def deserialize(self, data: bytes) -> list[float]:
        """Return a request's vector."""
        vector: list[float] = orjson.loads(data)["z"]
        return vector

    def forward(self, data: list[list[float]]) -> list[Any]:
        """Return the picture of each vector, `(28, 28)` uint8."""
        return list(decode(self.session, data))

    def serialize(self, data: Any) -> bytes:
        """Return a picture's PNG file."""
        return write_png(data, lambda lines: zlib_ng.compress(lines, 1))


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Decoder, max_batch_size=int(os.environ["MAX_BATCH"]), max_wait_time=MAX_WAIT_MS, route="/decode"
    )
    server.run()
