"""Train a convolutional variational autoencoder (VAE) and export it as a model bundle."""

import os

# onnxruntime reports its use to its makers unless this is set before it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
