"""Train a bundle of `models/` again from its recipe, and compare its figures with the committed."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from training.bundles.manifest import read_manifest
from training.bundles.writer import write_bundle
from training.config import TrainingError
from training.data.datasets import Dataset
from training.experiments.recipes import RECIPES
from training.fit.loop import train

# Another processor rounds differently, and a run's path through 17,000 steps parts from the first.
TOLERANCE = 0.5
FIGURES = ("negative_elbo", "importance_likelihood", "exact_likelihood")


class ReproductionError(TrainingError):
    """A bundle came out with other figures than the committed ones."""


def reproduce(
    name: str, dataset: Dataset, models: pathlib.Path, output: pathlib.Path, *, verbose: int = 1
) -> dict[str, tuple[float, float]]:
    """Train a recipe, write its bundle beside the run, and compare their figures.

    Args:
        name: Of the recipe and of the bundle.
        dataset: Of the committed bundle.
        models: Folder of the committed bundle.
        output: Where `<name>/run` and `<name>/bundle/<name>` go; a run that is there is resumed.
        verbose: As for `train`.

    Returns:
        Committed and found, in nats per image, of each figure that both have.

    Raises:
        ReproductionError: Another data set, or a figure is more than `TOLERANCE` nats worse or better.
    """
    committed = read_manifest(models / name)
    if committed["dataset"]["sha256"] != dataset.sha256:
        raise ReproductionError(f"{name}: expected the data set of the bundle, received {dataset.name}")
    run = train(RECIPES[name], dataset, output / name / "run", resume=True, verbose=verbose)
    found = write_bundle(run, dataset, output / name / "bundle" / name, force=True)
    figures = _pair(take_own(committed), take_own(found))
    for figure, (expected, received) in figures.items():
        if abs(received - expected) > TOLERANCE:
            raise ReproductionError(
                f"{name}: {figure}: expected {expected:.2f} nats within {TOLERANCE}, received {received:.2f}"
            )
    return figures


def take_own(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the figures under the prior that a bundle was trained with."""
    metrics: Mapping[str, Any] = manifest["metrics"]
    return metrics["mixture_prior"] if manifest["training"].get("mixture_after") else metrics


def _pair(committed: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    return {name: (committed[name], found[name]) for name in FIGURES if name in committed and name in found}
