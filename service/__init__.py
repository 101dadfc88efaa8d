"""Serves VAE model bundles over HTTP: decode, encode, interpolate, draw."""

import os

__version__ = "0.1.0"

# onnxruntime reports its use to its makers unless this is set before it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
