"""Runs the decoder as the service does: on one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.peers import DECODER


def open_session() -> onnxruntime.InferenceSession:
    """Return a session of the decoder."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(DECODER, options, providers=["CPUExecutionProvider"])


def decode(session: onnxruntime.InferenceSession, vectors: Any) -> NDArray[np.uint8]:
    """Return the pictures of latent vectors.

    Args:
        session: Of the decoder.
        vectors: `(batch, 2)` numbers.

    Returns:
        `(batch, 28, 28)` uint8.
    """
    (images,) = session.run(None, {"z": np.asarray(vectors, np.float32)})
    pixels: NDArray[np.uint8] = (images[..., 0] * 255 + 0.5).astype(np.uint8)
    return pixels
