"""The commands that measure and write bundles."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TextIO

from training.cli import progress
from training.cli.inputs import load, require_folder
from training.config import TrainingError

if TYPE_CHECKING:
    from training.data.datasets import Dataset
    from training.evaluation.likelihood import Decode

COLLAPSED = 3


def evaluate(options: argparse.Namespace, output: TextIO) -> int:
    """Measure a run or a bundle, and write its metrics.

    Returns:
        The exit status: 0, or 3 if it hardly uses its latent space.

    Raises:
        TrainingError: What is to be measured is not there, or cannot be updated.
    """
    from training.bundles import measure
    from training.bundles.manifest import read_manifest_for
    from training.bundles.open_decoder import is_conditional
    from training.evaluation.posteriors import warn_of_collapse
    from training.fit import loop

    require_folder(options.folder)
    is_bundle = (options.folder / "model.json").is_file()
    if options.update and not (is_bundle and options.split == "test"):
        found = "a run" if not is_bundle else f"the {options.split} split"
        raise TrainingError(f"--update: expected a bundle and the test split, received {found}")
    dataset = load(options)
    how = options.split, options.seed, options.importance_samples
    if options.binarised and not how[2]:
        raise TrainingError("--binarised: expected --importance-samples above 0, received 0")
    if is_bundle:
        manifest = read_manifest_for(options.folder, dataset)
        latent_dim, conditional = manifest["latent_dim"], is_conditional(manifest)
        with _watching(options, dataset, conditional) as watch:
            metrics = measure.measure_bundle(
                options.folder, dataset, *how, watch, binarised=options.binarised
            )
        if options.update:
            measure.update_metrics(options.folder, metrics, dataset)
    else:
        run = loop.load(options.folder, dataset)
        latent_dim = run.model.config.latent_dim
        with _watching(options, dataset, run.model.config.conditional) as watch:
            metrics = measure.measure_run(run, dataset, *how, watch, binarised=options.binarised)
    output.write(json.dumps(metrics, indent=1) + "\n")
    if warning := warn_of_collapse(metrics["active_dimensions"], latent_dim):
        sys.stderr.write(f"training: {warning}\n")
        return COLLAPSED
    return 0


def _watching(
    options: argparse.Namespace, dataset: Dataset, conditional: bool
) -> AbstractContextManager[Callable[[Decode], Decode]]:
    images, samples = len(getattr(dataset, options.split)), options.importance_samples
    labels = len(dataset.labels) if conditional else 0
    total = progress.count_pictures(images, samples, labels) * (2 if options.binarised else 1)
    return progress.watching("evaluate", total, quiet=options.quiet)


def export(options: argparse.Namespace, output: TextIO) -> None:
    """Write a run's bundle."""
    from training.bundles import writer
    from training.evaluation.likelihood import IMPORTANCE_SAMPLES
    from training.fit import loop

    require_folder(options.folder)
    name = options.name or options.folder.resolve().name
    if pathlib.PurePath(name).name != name:
        raise TrainingError(f"--name: expected the name of a folder in {options.models}, received {name!r}")
    dataset = load(options)
    run = loop.load(options.folder, dataset)
    folder = options.models / name
    labels = len(dataset.labels) if run.model.config.conditional else 0
    total = progress.count_pictures(len(dataset.test), IMPORTANCE_SAMPLES, labels)
    with progress.watching("export", total, quiet=options.quiet) as watch:
        how = {"force": options.force, "components": options.components}
        manifest = writer.write_bundle(run, dataset, folder, watch=watch, **how)
    output.write(json.dumps(manifest["metrics"], indent=1) + "\n")


def prior(options: argparse.Namespace, output: TextIO) -> None:
    """Fit a bundle's prior anew, and write how likely the test images are under it."""
    from training.bundles import prior
    from training.bundles.manifest import read_manifest_for
    from training.bundles.open_decoder import is_conditional

    require_folder(options.folder)
    dataset, samples = load(options), options.importance_samples
    conditional = is_conditional(read_manifest_for(options.folder, dataset))
    total = progress.count_pictures(len(dataset.test), samples, len(dataset.labels) if conditional else 0)
    with progress.watching("prior", total, quiet=options.quiet) as watch:
        given = options.folder, dataset, options.components, options.seed, samples
        figures = prior.add_prior(*given, watch)
    output.write(json.dumps(figures, indent=1) + "\n")
