"""MLServer with a custom runtime; its settings are the environment variables in `PEERS`.

No workers of its own, as its documentation advises for small models, and no adaptive batching: with it the
throughput stayed, and one connection alone waited four times as long.
"""

from __future__ import annotations

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.session import decode, open_session


class Decoder(MLModel):
    """The decoder."""

    async def load(self) -> bool:
        """Load it."""
        self.session = open_session()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the pictures, `(batch, 28, 28)` uint8."""
        pixels = decode(self.session, NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("image", pixels)])
