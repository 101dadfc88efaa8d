"""The header fields of our own, and those that several parts name."""

from __future__ import annotations

REQUEST_ID = "X-Request-ID"
SERVER_TIMING = "Server-Timing"
# From the client: how long it will wait, in milliseconds.
REQUEST_TIMEOUT = "X-Request-Timeout-Ms"
SEED_HEADER = "CVAE-Seed"
MODEL_HEADER = "CVAE-Model"
LOSS_HEADER = "CVAE-Reconstruction-Loss"
# Says how many bytes of a body are JSON; what follows are tensors.
LENGTH_HEADER = "Inference-Header-Content-Length"
