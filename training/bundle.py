"""Owns writing a bundle (docs/bundle.md) from a trained model and its data set.

Invariant: a bundle appears whole or not at all; it is written beside its place and then moved there.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import io
import json
import pathlib
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import card, evaluate, placement, plots
from training.config import TrainConfig
from training.data import Dataset, scale
from training.export import OPSET, PARITY_BATCHES, ExportError, Graph, export, open_onnx
from training.train import Run

GOLDEN_ROWS = 8
PARITY_ROWS = max(PARITY_BATCHES)
# What the version is the digest of (docs/bundle.md).
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


def write_bundle(
    run: Run, config: TrainConfig, dataset: Dataset, folder: pathlib.Path, *, force: bool = False
) -> dict[str, Any]:
    """Exports, measures and draws a model, and writes its bundle.

    Args:
        run: The trained model.
        config: Of the run.
        dataset: Of the run; figures and atlas come from its test split.
        folder: `models/<name>`.
        force: Replace what is there.

    Returns:
        The manifest.

    Raises:
        ExportError: `folder` is there already and `force` is off, or a graph cannot be exported.
    """
    if folder.exists() and not force:
        raise ExportError(f"{folder}: is there already; add --force to replace it")
    graphs = export(run.model, scale(dataset.test.x[:PARITY_ROWS]))
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "plots").mkdir(parents=True)
    manifest = _write_files(partial, folder.name, graphs, run, config, dataset)
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    return manifest


def measure_run(run: Run, dataset: Dataset, split: str, seed: int) -> dict[str, Any]:
    """Gives the figures of the files that a run would be exported as.

    Args:
        run: The trained model.
        dataset: Gives the neighbours and the split.
        split: "test" or "validation".
        seed: Of epsilon.

    Returns:
        As `evaluate.evaluate`.
    """
    encoder, decoder = (graph.run() for graph in export(run.model, scale(dataset.test.x[:PARITY_ROWS])))
    return evaluate.evaluate(encoder, decoder, dataset.train, getattr(dataset, split), split, seed)


def measure_bundle(folder: pathlib.Path, dataset: Dataset, split: str, seed: int) -> dict[str, Any]:
    """Gives the figures of a bundle's own files.

    Args:
        folder: `models/<name>`.
        dataset: Gives the neighbours and the split.
        split: "test" or "validation".
        seed: Of epsilon.

    Returns:
        As `evaluate.evaluate`.
    """
    encoder, decoder = (open_onnx((folder / f"{name}.onnx").read_bytes()) for name in ("encoder", "decoder"))
    return evaluate.evaluate(encoder, decoder, dataset.train, getattr(dataset, split), split, seed)


def update_metrics(folder: pathlib.Path, metrics: dict[str, Any]) -> None:
    """Writes figures into a bundle's manifest; its version does not depend on them.

    Args:
        folder: `models/<name>`.
        metrics: As `measure_bundle` gives them.
    """
    manifest = json.loads((folder / "model.json").read_text())
    manifest["metrics"] = metrics
    _write_json(folder / "model.json", manifest)


def version_of(manifest: Mapping[str, Any]) -> str:
    """Computes a manifest's version: 12 hex digits of its content's digest (docs/bundle.md)."""
    content = {name: manifest[name] for name in VERSIONED}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _write_files(
    folder: pathlib.Path,
    name: str,
    graphs: tuple[Graph, Graph],
    run: Run,
    config: TrainConfig,
    dataset: Dataset,
) -> dict[str, Any]:
    encoder, decoder = graphs
    encode, decode = encoder.run(), decoder.run()
    train, test = evaluate.encode(encode, dataset.train), evaluate.encode(encode, dataset.test)
    for graph in graphs:
        (folder / f"{graph.name}.onnx").write_bytes(graph.onnx)
    _write_arrays(folder / "golden.npz", _golden(encoder, decoder, dataset, config.latent_dim))
    _write_arrays(folder / "atlas.npz", {"z_mean": test.z_mean, "label": test.label})
    manifest: dict[str, Any] = {
        "format_version": 1,
        "name": name,
        "version": "",
        "latent_dim": config.latent_dim,
        "image": placement.describe_image(dataset.train.x),
        "encoder": _graph_entry(folder, encoder, dataset, config),
        "decoder": _graph_entry(folder, decoder, dataset, config),
        "golden": _file_entry(folder / "golden.npz"),
        "atlas": _file_entry(folder / "atlas.npz"),
        "classes": evaluate.class_statistics(train),
        "prior": {"distribution": "normal", "mean": 0.0, "stddev": 1.0},
        "training": {**config.to_dict(), "best_epoch": run.best_epoch},
        "metrics": evaluate.evaluate(encode, decode, dataset.train, dataset.test, "test"),
        "dataset": _dataset_entry(dataset),
        "producer": {package: importlib.metadata.version(package) for package in PRODUCERS},
        "git_commit": _git_commit(),
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    manifest["version"] = version_of(manifest)
    _write_json(folder / "model.json", manifest)
    picture = plots.manifold(lambda z: decode(z)["image"], test.z_mean)
    (folder / "plots" / "manifold.png").write_bytes(picture)
    (folder / "plots" / "latent.png").write_bytes(plots.latent_scatter(test.z_mean, test.label))
    (folder / "README.md").write_text(card.write_card(manifest))
    return manifest


def _golden(
    encoder: Graph, decoder: Graph, dataset: Dataset, latent_dim: int
) -> dict[str, NDArray[np.float32]]:
    x = scale(dataset.test.x[:GOLDEN_ROWS])
    z = np.random.RandomState(0).uniform(-3, 3, (GOLDEN_ROWS, latent_dim)).astype(np.float32)
    z[0] = 0
    posterior = encoder.keras(x)
    image = decoder.keras(z)["image"]
    return {
        "x": x,
        "z_mean": posterior["z_mean"],
        "z_log_var": posterior["z_log_var"],
        "z": z,
        "image": image,
    }


def _graph_entry(folder: pathlib.Path, graph: Graph, dataset: Dataset, config: TrainConfig) -> dict[str, Any]:
    picture, latent = ["batch", *dataset.shape], ["batch", config.latent_dim]

    def tensors(shapes: dict[str, list[Any]]) -> list[dict[str, Any]]:
        return [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in shapes.items()]

    inputs, outputs = {
        "encoder": ({"x": picture}, {"z_mean": latent, "z_log_var": latent}),
        "decoder": ({"z": latent}, {"image": picture}),
    }[graph.name]
    entry = _file_entry(folder / f"{graph.name}.onnx")
    return {**entry, "opset": OPSET, "inputs": tensors(inputs), "outputs": tensors(outputs)}


def _file_entry(path: pathlib.Path) -> dict[str, str]:
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _dataset_entry(dataset: Dataset) -> dict[str, Any]:
    counts = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    return {"name": dataset.name, "sha256": dataset.sha256, "split": counts}


def _write_arrays(path: pathlib.Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    # As numpy.savez_compressed, but with the same bytes for the same arrays: no time of writing.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), file.getvalue(), zipfile.ZIP_DEFLATED)


def _write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def _git_commit() -> str | None:
    command = ["git", "-C", str(pathlib.Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
