"""Open the encoder of a run or of a bundle, as a function of arrays."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bundles.manifest import MANIFEST, read_manifest_for
from training.data.datasets import Dataset
from training.fit import loop
from training.onnx.export import Function, open_onnx, round_model

Floats = NDArray[np.float32]


def open_encoder(folder: pathlib.Path, dataset: Dataset) -> Function:
    """Return the encoder of a bundle, as onnxruntime computes it, or of a run, as Keras does.

    Args:
        folder: `models/<name>`, or where `train` wrote; a run has the weights that its bundle would have.
        dataset: Whose images it is for.

    Returns:
        `x` `(batch, height, width, channels)` float32 in [0, 1] to `z_mean` and `z_log_var`, each
        `(batch, latent_dim)` float32.

    Raises:
        BundleError: The bundle is for images of another shape, or its manifest cannot be read.
        RunError: The folder has no checkpoint, or one of a run on another data set.
    """
    if (folder / MANIFEST).is_file():
        manifest = read_manifest_for(folder, dataset)
        return open_bundle_encoder(folder, manifest)
    model = round_model(loop.load(folder, dataset).model)

    def encode(x: Floats) -> Mapping[str, Floats]:
        return {name: np.asarray(value) for name, value in model.infer(x).items()}

    return encode


def open_bundle_encoder(folder: pathlib.Path, manifest: Mapping[str, Any]) -> Function:
    """Return the encoder of a bundle, as `open_encoder` does.

    Args:
        folder: `models/<name>`.
        manifest: Of this bundle.
    """
    return open_onnx((folder / manifest["encoder"]["file"]).read_bytes())
