"""Measure a run or a bundle over a split, and write a bundle's figures anew."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from training.bundles import model_card
from training.bundles.manifest import BundleError, read_manifest, read_manifest_for
from training.bundles.open_decoder import is_conditional, open_decoder, take_labels
from training.bundles.open_encoder import open_bundle_encoder
from training.bundles.prior import read_mixture
from training.data.datasets import HELD_OUT, Dataset, scale
from training.evaluation import metrics
from training.evaluation.binarised import measure_binarised
from training.evaluation.latent_mixture import Mixture, take_mixture
from training.evaluation.likelihood import Decode
from training.fit.loop import Run
from training.onnx.export import PARITY_BATCHES, Function, Graph, export

Watch = Callable[[Decode], Decode]


def export_run(run: Run, dataset: Dataset) -> tuple[Graph, Graph]:
    """Return both graphs of a run, checked on images of its test split."""
    return export(run.model, scale(dataset.test.x[: max(PARITY_BATCHES)]))


def measure_run(
    run: Run,
    dataset: Dataset,
    split: str,
    seed: int,
    samples: int,
    watch: Watch | None = None,
    *,
    binarised: bool = False,
) -> dict[str, Any]:
    """Return the figures of the files that a run would be exported as.

    Args:
        run: The trained model.
        dataset: Gives the neighbours and the split.
        split: "test" or "validation".
        seed: Of epsilon.
        samples: As for `metrics.evaluate`.
        watch: Wraps the decoder, to see how far it is.
        binarised: Whether to measure images drawn black and white as well, where there are samples.

    Returns:
        As `metrics.evaluate`, and with `binarised` what `measure_binarised` gives.

    Raises:
        ExportError: A graph cannot be exported.
        BundleError: As for `measure_bundle`.
    """
    _check_held_out("the run", split, run.held_out)
    encoder, decoder = (graph.run() for graph in export_run(run, dataset))
    conditional = run.model.config.conditional
    decode = (watch or _keep)(take_labels(decoder, dataset.labels if conditional else None))
    mixture = take_mixture(run.model, dataset.labels)
    how = split, seed, samples, conditional, mixture, binarised
    return _measure(encoder, decode, dataset, *how)


def measure_bundle(
    folder: pathlib.Path,
    dataset: Dataset,
    split: str,
    seed: int,
    samples: int,
    watch: Watch | None = None,
    *,
    binarised: bool = False,
) -> dict[str, Any]:
    """Return the figures of a bundle's own files.

    Args:
        folder: `models/<name>`.
        dataset: Gives the neighbours and the split.
        split: "test" or "validation".
        seed: Of epsilon.
        samples: As for `metrics.evaluate`.
        watch: As for `measure_run`.
        binarised: As for `measure_run`.

    Returns:
        As `measure_run`.

    Raises:
        BundleError: The folder holds no bundle, or one for images of another shape, or one that was fitted to
            some of today's validation images.
    """
    manifest = read_manifest_for(folder, dataset)
    _check_held_out(folder.name, split, manifest["dataset"].get("held_out"))
    encoder = open_bundle_encoder(folder, manifest)
    decode = (watch or _keep)(open_decoder(folder, manifest))
    how = split, seed, samples, is_conditional(manifest), read_mixture(folder, manifest), binarised
    return _measure(encoder, decode, dataset, *how)


def _measure(
    encoder: Function,
    decode: Decode,
    dataset: Dataset,
    split: str,
    seed: int,
    samples: int,
    conditional: bool,
    mixture: Mixture | None,
    binarised: bool,
) -> dict[str, Any]:
    images = getattr(dataset, split)
    given = encoder, decode, dataset.train, images, split, seed, samples
    found = metrics.evaluate(*given, conditional=conditional, mixture=mixture)
    if not (binarised and samples):
        return found
    shares = metrics.find_shares(dataset.train.label) if conditional else None
    drawn = measure_binarised(encoder, decode, images, samples, shares, mixture, seed)
    return {**found, "binarised": drawn}


def _keep(decode: Decode) -> Decode:
    return decode


def _check_held_out(name: str, split: str, found: str | None) -> None:
    if split == "validation" and found != HELD_OUT:
        raise BundleError(
            f"{name}: expected validation images held out by {HELD_OUT!r}, found {found!r}: it was fitted to "
            "some of those of today"
        )


def update_metrics(folder: pathlib.Path, figures: dict[str, Any], dataset: Dataset) -> None:
    """Write figures into a bundle's manifest and card; its version does not depend on them.

    Args:
        folder: `models/<name>`.
        figures: As `measure_bundle` gives them.
        dataset: What was measured.

    Raises:
        BundleError: The figures are not of the test split of the bundle's own data set.
    """
    manifest = read_manifest(folder)
    expected, received = ("test", manifest["dataset"]["sha256"]), (figures["split"], dataset.sha256)
    if received != expected:
        raise BundleError(
            f"{folder}: expected figures of the split and data set {expected}, received {received}"
        )
    # Likelihoods that were not measured now still hold: the bundle's graphs are the same.
    kept = ["generation", *(["binarised"] if "binarised" not in figures else [])]
    if not figures["importance_samples"]:
        kept.append("importance_samples")
        kept += tuple(name for name in manifest["metrics"] if "_likelihood" in name)
    old = {name: manifest["metrics"][name] for name in kept if name in manifest["metrics"]}
    manifest["metrics"] = {**figures, **old}
    model_card.update_bundle(folder, manifest)
