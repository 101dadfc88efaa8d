"""What a report shows: a bundle, its history, and what it makes of each image of a split."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bundles.manifest import read_manifest_for
from training.bundles.open_decoder import open_decoder
from training.bundles.open_encoder import open_bundle_encoder
from training.bundles.prior import read_mixture
from training.data.datasets import Dataset
from training.evaluation.latent_mixture import Mixture
from training.evaluation.likelihood import BATCH, Decode, Floats
from training.evaluation.metrics import cross_entropy
from training.evaluation.posteriors import kl_by_dimension
from training.models.encoding import Posteriors, encode

Doubles = NDArray[np.float64]

HISTORY = "history.csv"


@dataclasses.dataclass(frozen=True)
class Subject:
    """A bundle and what it makes of a split.

    Attributes:
        manifest: Of the bundle.
        history: One row of metrics an epoch; empty if the bundle has none.
        decode: Its decoder.
        posteriors: Of the split.
        image: The split's reconstructions from z_mean, `(n, height, width, channels)` float32.
        reconstruction_loss: `(n,)` nats, of those.
        kl_divergence: `(n, latent_dim)` nats.
        mixture: The bundle's prior; None if that is N(0, I).
    """

    manifest: dict[str, Any]
    history: list[dict[str, float]]
    decode: Decode
    posteriors: Posteriors
    image: Floats
    reconstruction_loss: Doubles
    kl_divergence: Doubles
    mixture: Mixture | None = None

    @property
    def name(self) -> str:
        """The bundle's name."""
        return str(self.manifest["name"])

    def name_label(self, label: int) -> str:
        """Return the name of a class, else its label."""
        names = self.manifest["dataset"].get("class_names", [])
        return str(names[label]) if label < len(names) else str(label)


def look_at(folder: pathlib.Path, dataset: Dataset) -> Subject:
    """Run a bundle over the test split of a data set."""
    manifest, split = read_manifest_for(folder, dataset), dataset.test
    decode = open_decoder(folder, manifest)
    posteriors = encode(open_bundle_encoder(folder, manifest), split)
    spans = [slice(i, i + BATCH) for i in range(0, len(split), BATCH)]
    image = np.concatenate([decode(posteriors.z_mean[span], split.label[span]) for span in spans])
    losses = np.concatenate([cross_entropy(split.x[span], image[span]) for span in spans])
    kl = kl_by_dimension(posteriors)
    return Subject(
        manifest, read_history(folder), decode, posteriors, image, losses, kl, read_mixture(folder, manifest)
    )


def read_history(folder: pathlib.Path) -> list[dict[str, float]]:
    """Read the log of the run that a bundle came from; empty where the bundle has none."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
