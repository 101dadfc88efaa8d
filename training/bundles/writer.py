"""Write a bundle (docs/bundle.md) from a trained model and its data set, and measure one.

Invariant: a bundle appears whole or not at all; it is written beside its place and then moved there.
"""

from __future__ import annotations

import datetime
import pathlib
import re
import shutil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bundles import model_card
from training.bundles.manifest import (
    BundleError,
    describe_dataset,
    describe_file,
    describe_graph,
    describe_producer,
    version_of,
)
from training.bundles.measure import Watch, export_run
from training.bundles.open_decoder import take_labels
from training.bundles.prior import describe_prior, draws_classes, write_arrays
from training.data import image_spec
from training.data.datasets import Dataset, scale
from training.evaluation import class_mixtures, latent_mixture, metrics, plots
from training.fit.checkpoints import format_log
from training.fit.loop import Run
from training.fit.origin import find_commit
from training.models import encoding
from training.models.gaussians import COMPONENTS
from training.onnx.export import OPSET, PARITY_BATCHES, Floats, Function, Graph, find_sure, round_model

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
GOLDEN_ROWS = 8
# How far out the golden latent vectors lie: the edge of the manifold's picture.
GOLDEN_EXTENT = 4.0


def write_bundle(
    run: Run,
    dataset: Dataset,
    folder: pathlib.Path,
    *,
    force: bool = False,
    watch: Watch | None = None,
    components: int = COMPONENTS,
) -> dict[str, Any]:
    """Export, measure and draw a model, and write its bundle.

    Args:
        run: The trained model.
        dataset: Of the run; figures and atlas come from its test split.
        folder: `models/<name>`.
        force: Replace what is there.
        watch: Wraps the decoder that is measured, to see how far that is.
        components: Of each class in the mixture that is the bundle's prior, at most; 0: it is N(0, 1). That
            which the model was trained with stays.

    Returns:
        The manifest.

    Raises:
        BundleError: `folder` is there already and `force` is off, or is no name for a bundle.
        ExportError: A graph cannot be exported.
    """
    if not re.fullmatch(NAME_PATTERN, folder.name):
        raise BundleError(
            f"{folder}: expected a name of letters, digits, '.', '_' and '-' that starts with one of the "
            f"first two, received {folder.name!r}"
        )
    if folder.exists() and not force:
        raise BundleError(f"{folder}: is there already; add --force to replace it")
    graphs = export_run(run, dataset)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "plots").mkdir(parents=True)
    manifest = _write_files(partial, folder.name, graphs, run, dataset, watch, components)
    _move(partial, folder)
    return manifest


def _write_files(
    folder: pathlib.Path,
    name: str,
    graphs: tuple[Graph, Graph],
    run: Run,
    dataset: Dataset,
    watch: Watch | None,
    components: int,
) -> dict[str, Any]:
    conditional, (encode, decoder) = run.model.config.conditional, (graph.run() for graph in graphs)
    decode = take_labels(decoder, dataset.labels if conditional else None)
    train, test = (encoding.encode(encode, split) for split in (dataset.train, dataset.test))
    for graph in graphs:
        (folder / f"{graph.name}.onnx").write_bytes(graph.onnx)
    (folder / "history.csv").write_text(format_log(run.history))
    write_arrays(folder / "golden.npz", _golden(*graphs, run, dataset))
    write_arrays(folder / "atlas.npz", {"z_mean": test.z_mean, "label": test.label})
    if conditional:
        picture = plots.styles(decode, dataset.labels, test.z_mean.shape[1])
    else:
        picture = plots.manifold(lambda z: decode(z, np.zeros(len(z), np.int64)), test.z_mean)
    (folder / "plots" / f"{'styles' if conditional else 'manifold'}.png").write_bytes(picture)
    (folder / "plots" / "latent.png").write_bytes(plots.latent_scatter(test.z_mean, test.label))
    measured = watch(decode) if watch else decode
    mixture = latent_mixture.take_mixture(run.model, dataset.labels)
    if mixture is None and components:
        mixture = latent_mixture.fit_mixture(train, components)
    given = measured, train, test, dataset.test, "test"
    figures = metrics.figures(*given, conditional=conditional, mixture=mixture)
    # Where a label or the prior says what is drawn, a class needs no components.
    known = conditional or draws_classes(mixture, conditional=conditional)
    read = None if known else _read_again(encode, decoder, encoding.count_encoded(dataset.shape))
    classes = class_mixtures.describe_classes(train, read)
    changed = describe_prior(folder, classes, mixture, conditional=conditional)
    manifest = _describe(folder, name, run, dataset, changed, figures)
    model_card.update_bundle(folder, manifest)
    return manifest


def _read_again(encode: Function, decoder: Function, step: int) -> class_mixtures.Read:
    def read(z: Floats) -> Floats:
        spans = [slice(i, i + step) for i in range(0, len(z), step)]
        return np.concatenate([encode(decoder(z[span])["image"])["z_mean"] for span in spans])

    return read


def _describe(
    folder: pathlib.Path,
    name: str,
    run: Run,
    dataset: Dataset,
    changed: dict[str, Any],
    figures: dict[str, Any],
) -> dict[str, Any]:
    config = run.model.config
    labels = len(changed["classes"]) if config.conditional else 0
    manifest: dict[str, Any] = {
        "format_version": changed["format_version"],
        "name": name,
        "version": "",
        "latent_dim": config.latent_dim,
        "image": image_spec.describe_image(dataset.train.x),
        "encoder": describe_graph(folder / "encoder.onnx", OPSET, dataset.shape, config.latent_dim, labels),
        "decoder": describe_graph(folder / "decoder.onnx", OPSET, dataset.shape, config.latent_dim, labels),
        "golden": describe_file(folder / "golden.npz"),
        "atlas": describe_file(folder / "atlas.npz"),
        "classes": changed["classes"],
        "prior": changed["prior"],
        "training": {**config.to_dict(), "best_epoch": run.best_epoch, "git_commit": run.git_commit},
        "metrics": figures,
        "dataset": describe_dataset(dataset, run.held_out),
        "producer": describe_producer(),
        "git_commit": find_commit(),
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {**manifest, "version": version_of(manifest)}


def _golden(encoder: Graph, decoder: Graph, run: Run, dataset: Dataset) -> dict[str, NDArray[np.float32]]:
    x = scale(dataset.test.x[: max(PARITY_BATCHES)])
    x = x[find_sure(round_model(run.model), x)][:GOLDEN_ROWS]
    posterior = encoder.keras(x)
    z = _golden_z(posterior["z_mean"].shape[1])
    if not run.model.config.conditional:
        return {"x": x, **posterior, "z": z, **decoder.keras(z)}
    label = np.resize(np.eye(len(dataset.labels), dtype=np.float32), (len(z), len(dataset.labels)))
    return {"x": x, **posterior, "z": z, "label": label, **decoder.keras(z, label)}


def _golden_z(latent_dim: int) -> NDArray[np.float32]:
    z = np.random.RandomState(0).uniform(-GOLDEN_EXTENT, GOLDEN_EXTENT, (GOLDEN_ROWS, latent_dim))
    # The origin, and four corners: the signs of the first two dimensions are the bits of 0 to 3.
    z[0] = 0
    z[1:5] = np.where(np.arange(4)[:, np.newaxis] >> np.arange(latent_dim) & 1, 1, -1) * GOLDEN_EXTENT
    return z.astype(np.float32)


def _move(partial: pathlib.Path, folder: pathlib.Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
