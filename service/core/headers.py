"""Names of header fields: our own, and those that several folders use."""

from __future__ import annotations

REQUEST_ID = "X-Request-ID"
SERVER_TIMING = "Server-Timing"
# From the client: how long it will wait, in milliseconds.
REQUEST_TIMEOUT = "X-Request-Timeout-Ms"
SEED_HEADER = "CVAE-Seed"
MODEL_HEADER = "CVAE-Model"
LOSS_HEADER = "CVAE-Reconstruction-Loss"
# How many bytes of a body are JSON; tensors follow them.
LENGTH_HEADER = "Inference-Header-Content-Length"
