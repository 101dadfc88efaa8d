"""BentoML, without its adaptive batching.

A batchable method takes and gives a list, which no PNG is; the service before it that the documentation
advises for single inputs is a second process: it tripled the processor time and had requests refused.
"""

from __future__ import annotations

from typing import Annotated

import bentoml

from benchmarks.peers.picture import write_png
from benchmarks.peers.session import decode, open_session


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Decoder:
    """The decoder."""

    def __init__(self) -> None:
        """Load it."""
        self.session = open_session()

    @bentoml.api
    async def decode(self, z: list[float]) -> Annotated[bytes, bentoml.validators.ContentType("image/png")]:
        """Return a PNG."""
        return write_png(decode(self.session, [z])[0])
