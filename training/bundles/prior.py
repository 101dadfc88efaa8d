"""Write the mixture that a bundle's latent vectors are drawn from, and add one to a bundle that has none."""

from __future__ import annotations

import io
import pathlib
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bundles import model_card
from training.bundles.manifest import (
    BundleError,
    describe_file,
    read_manifest_for,
    version_of,
)
from training.bundles.open_decoder import is_conditional, open_decoder
from training.bundles.open_encoder import open_bundle_encoder
from training.data.datasets import Dataset
from training.evaluation import latent_mixture, mixture_figures
from training.evaluation.latent_mixture import FIELDS, Mixture
from training.evaluation.likelihood import Decode
from training.evaluation.metrics import find_shares, measure
from training.models import encoding

FILE = "prior.npz"
NORMAL = {"distribution": "normal", "mean": 0.0, "stddev": 1.0}
# Where the mixture is sure of fewer draws of some class, classes overlap, and what is kept lies beside them.
MOST_OVERLAP = 0.5


def add_prior(
    folder: pathlib.Path,
    dataset: Dataset,
    components: int,
    seed: int,
    samples: int,
    watch: Callable[[Decode], Decode] | None = None,
) -> dict[str, Any]:
    """Fit a mixture to a bundle's own encoder and make it the bundle's prior; its graphs stay as they are.

    Args:
        folder: `models/<name>`; its manifest, `prior.npz` and card are written anew.
        dataset: The one that the bundle was trained on.
        components: Of each class, at most.
        seed: Of the fit.
        samples: As for `mixture_figures.measure_mixture`.
        watch: Wraps the decoder that is measured, to see how far that is.

    Returns:
        `mixture_prior`, the figures under it.

    Raises:
        BundleError: The bundle is of another data set, or has no room for even one component a class.
    """
    manifest = read_manifest_for(folder, dataset)
    if manifest["dataset"].get("sha256", dataset.sha256) != dataset.sha256:
        raise BundleError(f"{folder}: expected the data set of this bundle, received {dataset.name}")
    encode = open_bundle_encoder(folder, manifest)
    train, test = (encoding.encode(encode, split) for split in (dataset.train, dataset.test))
    mixture = latent_mixture.fit_mixture(train, components, seed)
    if mixture is None:
        raise BundleError(
            f"{folder}: expected room for a component a class, {manifest['latent_dim']} dimensions"
        )
    conditional, decode = is_conditional(manifest), open_decoder(folder, manifest)
    manifest |= describe_prior(folder, manifest["classes"], mixture, conditional=conditional)
    shares = find_shares(train.label) if conditional else None
    loss = manifest["metrics"].get("reconstruction_loss")
    if loss is None:  # as of a bundle that was packed of somebody's own graphs
        loss = measure(decode, test, dataset.test)["reconstruction_loss"]
    measured = watch(decode) if watch else decode
    figures = mixture_figures.measure_mixture(measured, test, dataset.test, mixture, loss, samples, shares)
    manifest["metrics"]["mixture_prior"] = figures
    # What was judged was drawn from the old prior; what was drawn black and white was measured under it too.
    for name in ("generation", "binarised"):
        manifest["metrics"].pop(name, None)
    model_card.update_bundle(folder, {**manifest, "version": version_of(manifest)})
    return figures


def describe_prior(
    folder: pathlib.Path, classes: list[dict[str, Any]], mixture: Mixture | None, *, conditional: bool
) -> dict[str, Any]:
    """Write a mixture into a bundle's folder, and return the fields of the manifest that it changes.

    Args:
        folder: Of the bundle.
        classes: Of the manifest.
        mixture: None: the prior stays N(0, 1).
        conditional: Whether the decoder takes labels.

    Returns:
        `format_version`, `prior` and `classes`: where the mixture tells classes apart, these lose the
        narrower components that `/digits` draws from otherwise.
    """
    if mixture is None:
        return {"format_version": 1, "prior": NORMAL, "classes": classes}
    write_arrays(folder / FILE, mixture.arrays())
    prior = {"distribution": "mixture", **describe_file(folder / FILE)}
    if draws_classes(mixture, conditional=conditional):
        classes = [{key: value for key, value in each.items() if key != "components"} for each in classes]
    return {"format_version": 2, "prior": prior, "classes": classes}


def draws_classes(mixture: Mixture | None, *, conditional: bool) -> bool:
    """Tell whether pictures of a class are drawn from a mixture, for it tells classes apart."""
    if mixture is None or mixture.label is None or conditional:
        return False
    return mixture.overlap <= MOST_OVERLAP


def read_mixture(folder: pathlib.Path, manifest: Mapping[str, Any]) -> Mixture | None:
    """Return the mixture of a bundle; None if its prior is N(0, 1)."""
    if manifest["prior"]["distribution"] != "mixture":
        return None
    with np.load(folder / manifest["prior"]["file"], allow_pickle=False) as arrays:
        return Mixture(**{name: arrays[name] for name in FIELDS if name in arrays.files})


def write_arrays(path: pathlib.Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write what numpy.savez_compressed would, but the same bytes for the same arrays: no time of writing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), file.getvalue(), zipfile.ZIP_DEFLATED)
