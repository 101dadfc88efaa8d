"""Open the decoder of a bundle, as a function of latent vectors and labels."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from training.evaluation.likelihood import Decode, Floats, Labels
from training.onnx.export import Function, open_onnx


def open_decoder(folder: pathlib.Path, manifest: Mapping[str, Any]) -> Decode:
    """Open a bundle's decoder.

    Args:
        folder: `models/<name>`.
        manifest: Of this bundle.

    Returns:
        `z` and labels to `image`; the labels are read only where the model is conditional.
    """
    decoder = open_onnx((folder / manifest["decoder"]["file"]).read_bytes())
    labels = np.array([entry["label"] for entry in manifest["classes"]], np.int64)
    return take_labels(decoder, labels if is_conditional(manifest) else None)


def is_conditional(manifest: Mapping[str, Any]) -> bool:
    """Tell whether a bundle's decoder takes a label beside z."""
    return any(tensor["name"] == "label" for tensor in manifest["decoder"]["inputs"])


def take_labels(decoder: Function, labels: Labels | None) -> Decode:
    """Return a decoder that takes labels, not their one-hot rows.

    Args:
        decoder: `z`, and one-hot rows if there are labels, to `image`.
        labels: In the order of the one-hot rows; None for a model that takes none.

    Returns:
        `z` and labels to `image`.
    """

    def decode(z: Floats, label: Labels) -> Floats:
        given = () if labels is None else ((label[:, np.newaxis] == labels).astype(np.float32),)
        return decoder(z, *given)["image"]

    return decode
