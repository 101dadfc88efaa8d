"""Read and write `model.json`, the manifest of a bundle (docs/bundle.md), and fill its fields."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from training.config import TrainingError
from training.data.datasets import HELD_OUT, Dataset

MANIFEST = "model.json"
# What the version is the digest of.
VERSIONED = (
    "format_version",
    "name",
    "latent_dim",
    "image",
    "encoder",
    "decoder",
    "golden",
    "atlas",
    "classes",
    "prior",
)
PRODUCERS = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")


class BundleError(TrainingError):
    """A bundle cannot be written, or read, where it is asked for; the message names the folder."""


def version_of(manifest: Mapping[str, Any]) -> str:
    """Compute a manifest's version: 12 hex digits of its content's digest."""
    content = {name: manifest[name] for name in VERSIONED}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_manifest(folder: pathlib.Path) -> dict[str, Any]:
    """Read a bundle's manifest.

    Args:
        folder: `models/<name>`.

    Returns:
        The parsed JSON.

    Raises:
        BundleError: It is not there, or not JSON.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: expected a manifest: {error}") from error
    return manifest


def read_manifest_for(folder: pathlib.Path, dataset: Dataset) -> dict[str, Any]:
    """Read the manifest of a bundle for a data set's images.

    Args:
        folder: `models/<name>`.
        dataset: Whose images the bundle is asked about.

    Returns:
        The parsed JSON.

    Raises:
        BundleError: It is not there, not JSON, or of a bundle for images of another shape.
    """
    manifest = read_manifest(folder)
    shape = tuple(manifest["image"][axis] for axis in ("height", "width", "channels"))
    if dataset.shape != shape:
        raise BundleError(f"{folder}: expected images of shape {shape}, received {dataset.shape}")
    return manifest


def write_manifest(folder: pathlib.Path, manifest: Mapping[str, Any]) -> None:
    """Write a bundle's manifest; whoever reads meanwhile gets the old one or the new one, whole."""
    partial = folder / f".{MANIFEST}.partial"
    partial.write_text(json.dumps(manifest, indent=1) + "\n")
    partial.replace(folder / MANIFEST)


def describe_file(path: pathlib.Path) -> dict[str, str]:
    """Return a file's entry: its name and its checksum."""
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def describe_graph(
    path: pathlib.Path, opset: int, shape: tuple[int, int, int], latent_dim: int, labels: int = 0
) -> dict[str, Any]:
    """Return a graph's entry.

    Args:
        path: `encoder.onnx` or `decoder.onnx`.
        opset: Of the file.
        shape: Height, width and channels of an image.
        latent_dim: Size of z.
        labels: How many the decoder can be given; 0 if it takes none.

    Returns:
        The file's entry, the opset, and the tensors that the contract names.
    """
    picture, latent = ["batch", *shape], ["batch", latent_dim]
    label = {"label": ["batch", labels]} if labels else {}
    inputs, outputs = {
        "encoder": ({"x": picture}, {"z_mean": latent, "z_log_var": latent}),
        "decoder": ({"z": latent, **label}, {"image": picture}),
    }[path.stem]
    return {
        **describe_file(path),
        "opset": opset,
        "inputs": _describe_tensors(inputs),
        "outputs": _describe_tensors(outputs),
    }


def describe_dataset(dataset: Dataset, held_out: str | None = HELD_OUT) -> dict[str, Any]:
    """Return a data set's entry: name, checksum, its splits, and the names of its classes if any.

    Args:
        dataset: Of a run.
        held_out: How the run's validation images were chosen; None: as before that had a name.

    Returns:
        JSON types.
    """
    counts = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    names = {"class_names": list(dataset.class_names)} if dataset.class_names else {}
    chosen = {"held_out": held_out} if held_out else {}
    return {"name": dataset.name, "sha256": dataset.sha256, "split": counts, **chosen, **names}


def describe_producer() -> dict[str, str]:
    """Return the versions of the packages that make a bundle."""
    return {package: importlib.metadata.version(package) for package in PRODUCERS}


def _describe_tensors(shapes: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in shapes.items()]
