"""Ray Serve with what its performance page offers: batching, HAProxy, the throughput-optimized flags."""

from __future__ import annotations

import signal
import sys
import tempfile

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.peers.picture import write_png
from benchmarks.peers.session import decode, open_session


class Decoder:
    """The decoder, in one replica."""

    def __init__(self) -> None:
        """Load it."""
        self.session = open_session()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0)
    async def decode(self, vectors: list[list[float]]) -> list[bytes]:
        """Return a PNG for each vector."""
        return [write_png(pixels) for pixels in decode(self.session, vectors)]

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        return Response(await self.decode((await request.json())["z"]), media_type="image/png")


def main() -> None:
    """Serve until it is told to stop."""
    ray.init(include_dashboard=False, _temp_dir=tempfile.gettempdir(), log_to_driver=False)
    # Ray sets a handler of its own, which aborts.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
        deploy = serve.deployment(max_ongoing_requests=1000, logging_config={"enable_access_log": False})
        serve.run(deploy(Decoder).bind(), route_prefix="/decode")
        signal.pause()
    finally:
        serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main()
