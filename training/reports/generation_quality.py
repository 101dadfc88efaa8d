"""Ask a classifier, trained apart, whether a bundle's pictures are what they should be."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bundles import model_card
from training.bundles.manifest import BundleError, read_manifest_for
from training.bundles.open_decoder import is_conditional, open_decoder
from training.bundles.open_encoder import open_encoder
from training.bundles.prior import read_mixture
from training.data.datasets import Dataset, scale
from training.evaluation.classifier import Classifier, ClassifierError
from training.evaluation.latent_mixture import Mixture
from training.evaluation.likelihood import Decode, Floats, Labels
from training.models.encoding import Posteriors, encode
from training.reports.manifolds import NEIGHBOURS, precision_recall

Doubles = NDArray[np.float64]

CLASS_DRAWS, PRIOR_DRAWS = 1_000, 10_000
CONFIDENT = 0.9
# Pictures in memory at a time.
BATCH = 1_000


def judge_bundle(folder: pathlib.Path, dataset: Dataset, classifier: Classifier) -> dict[str, Any]:
    """Judge what a bundle draws.

    Args:
        folder: `models/<name>`.
        dataset: Its test split is what the pictures are compared with.
        classifier: Of the same data set.

    Returns:
        `classifier_accuracy` over the test split; `class_accuracy`, by label the share of 1,000 pictures of
        this class, drawn as the service draws them, that are taken for it; of 10,000 pictures drawn from the
        prior `confident_share`, those given a label with probability 0.9 or more, `frechet_distance` between
        their features and those of the test split, and `precision` and `recall`, by 3 neighbours
        (`manifold_neighbours`). `frechet_images` and `manifold_images` say how many of each. The same figures
        of as many pictures from N(0, I), if the prior is another, are in `normal_prior`, of the pictures of
        all classes together in `classes`, and of as many training images, at most, in `training_images`: none
        can do better. `restyled_accuracy`, of a label-conditioned model, is the share of pictures of the test
        images' `z_mean`, each with a label not its own, that are taken for that label: how far z is the style
        alone. Distances are left out where a split has one image, precision and recall where one has
        no more than 3. `frechet_floor` is the distance of the training images.

    Raises:
        BundleError: The folder holds no bundle, or one for images of another shape.
        ClassifierError: The bundle has labels that the classifier does not know.
    """
    manifest = read_manifest_for(folder, dataset)
    strange = {entry["label"] for entry in manifest["classes"]} - set(classifier.labels.tolist())
    if strange:
        raise ClassifierError(f"{folder}: expected the labels of the classifier, found {sorted(strange)} too")
    decode = open_decoder(folder, manifest)
    mixture = read_mixture(folder, manifest)
    normal, classes = (
        draw_prior(manifest, PRIOR_DRAWS),
        [draw_as_served(manifest, entry, mixture, CLASS_DRAWS) for entry in manifest["classes"]],
    )
    prior = normal if mixture is None else mixture.draw(PRIOR_DRAWS)
    judged = [_judge(decode, *each, classifier) for each in classes]
    real = classifier.judge(scale(dataset.test.x))
    # Evenly over the file, whose order may be that of its classes.
    floor = _compare(classifier.judge(scale(dataset.train.x[:: -(-len(dataset.train) // PRIOR_DRAWS)])), real)
    of_prior = _judge(decode, *prior, classifier)
    found: dict[str, Any] = {
        "classifier_accuracy": round(classifier.measure_accuracy(dataset.test), 4),
        "class_accuracy": {
            str(int(label[0])): _measure_accuracy(each[0], label, classifier)
            for (_, label), each in zip(classes, judged, strict=True)
        },
        **_compare(of_prior, real),
        **_count(of_prior[1], real[1]),
        "training_images": floor,
    }
    if "frechet_distance" in floor:
        found["frechet_floor"] = floor["frechet_distance"]
    if mixture is not None:
        found["normal_prior"] = _compare(_judge(decode, *normal, classifier), real)
    if is_conditional(manifest) and len(classes) > 1:
        posterior = encode(open_encoder(folder, dataset), dataset.test)
        labels = np.array([entry["label"] for entry in manifest["classes"]])
        found["restyled_accuracy"] = _restyle(decode, posterior, labels, classifier)
    if judged:
        probabilities, features = (np.concatenate(each) for each in zip(*judged, strict=True))
        found["classes"] = _compare((probabilities, features), real)
    return found


def write_judgement(folder: pathlib.Path, judgement: dict[str, Any], dataset: Dataset) -> None:
    """Write a judgement into a bundle's manifest and card; its version does not depend on it.

    Args:
        folder: `models/<name>`.
        judgement: As `judge_bundle` gives it.
        dataset: What it was judged with.

    Raises:
        BundleError: The bundle is of another data set.
    """
    manifest = read_manifest_for(folder, dataset)
    if manifest["dataset"].get("sha256") != dataset.sha256:
        raise BundleError(f"{folder}: expected the data set of this bundle, received {dataset.name}")
    manifest["metrics"]["generation"] = judgement
    model_card.update_bundle(folder, manifest)


def draw_class(entry: Mapping[str, Any], n: int) -> Floats:
    """Draw latent vectors of a class as the service does: from its components, else from its Gaussian.

    Args:
        entry: Of the class, in the manifest.
        n: How many.

    Returns:
        `(n, latent_dim)` float32, the same each time.
    """
    stream = np.random.RandomState(entry["label"])
    if parts := entry.get("components"):
        weights = np.array([part["weight"] for part in parts])
        picked = stream.choice(len(parts), n, p=weights / weights.sum())
        mean, stddev = (np.array([part[name] for part in parts])[picked] for name in ("z_mean", "stddev"))
        return (mean + stddev * stream.standard_normal(mean.shape)).astype(np.float32)
    return stream.multivariate_normal(entry["z_mean"], entry["covariance"], n).astype(np.float32)


def draw_as_served(
    manifest: Mapping[str, Any], entry: Mapping[str, Any], mixture: Mixture | None, n: int
) -> tuple[Floats, Labels]:
    """Draw latent vectors of a class from its own components, else from those of the prior.

    Args:
        manifest: Of the bundle.
        entry: Of the class.
        mixture: The bundle's prior; None if that is N(0, I).
        n: How many.

    Returns:
        `(n, latent_dim)` float32, the same each time, and the label of each.
    """
    label = np.full(n, entry["label"], np.int64)
    if mixture is None or mixture.label is None or entry.get("components"):
        return draw_class(entry, n), label
    sure = not is_conditional(manifest)
    return mixture.draw_class(entry["label"], n, entry["label"], sure=sure)[0], label


def draw_prior(manifest: Mapping[str, Any], n: int = PRIOR_DRAWS) -> tuple[Floats, Labels]:
    """Draw latent vectors from N(0, I), each with a label as frequent as in the training split.

    Args:
        manifest: Of the bundle.
        n: How many.

    Returns:
        `(n, latent_dim)` float32 and `(n,)` int64, the same each time; where the model is not conditional,
        the labels are all 0 and mean nothing.
    """
    stream = np.random.RandomState(0)
    z = stream.standard_normal((n, manifest["latent_dim"])).astype(np.float32)
    if not is_conditional(manifest):
        return z, np.zeros(n, np.int64)
    counts = np.array([entry["count"] for entry in manifest["classes"]])
    labels = np.array([entry["label"] for entry in manifest["classes"]], np.int64)
    return z, stream.choice(labels, n, p=counts / counts.sum())


def frechet_distance(one: Floats, other: Floats) -> float:
    """Return the Fréchet distance between two sets of features, as Gaussians (Heusel et al. 2017, eq. 6).

    It depends on the network that the features come from, and on how many there are: few vectors lie far from
    others of the same distribution. Only distances under one classifier, of as many images, compare.

    Args:
        one: `(n, features)`, n at least 2.
        other: `(m, features)`, m at least 2.

    Returns:
        |difference of means|² + Tr(S + T - 2 (S T)^½), at least 0.
    """
    a, b = one.astype(np.float64), other.astype(np.float64)
    s, t = np.cov(a.T), np.cov(b.T)
    # (S T)^½ has the eigenvalues of (S^½ T S^½)^½, which is symmetric.
    root = _root(s)
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ t @ root), 0, None)).sum()
    gap = a.mean(axis=0) - b.mean(axis=0)
    return max(0.0, float(gap @ gap + np.trace(s) + np.trace(t) - 2 * cross))


def _restyle(decode: Decode, posterior: Posteriors, labels: Labels, classifier: Classifier) -> float:
    """Return the share of pictures, each with a label not its image's, that are taken for that label."""
    shift = np.random.RandomState(0).randint(1, len(labels), len(posterior.label))
    other = labels[(np.searchsorted(labels, posterior.label) + shift) % len(labels)]
    return _measure_accuracy(_judge(decode, posterior.z_mean, other, classifier)[0], other, classifier)


def _compare(judged: tuple[Floats, Floats], real: tuple[Floats, Floats]) -> dict[str, Any]:
    """Compare probabilities and features of pictures with those of the test split."""
    (probabilities, features), (_, others) = judged, real
    found = {"confident_share": round(float((probabilities.max(axis=1) >= CONFIDENT).mean()), 4)}
    if min(len(features), len(others)) >= 2:
        found["frechet_distance"] = round(frechet_distance(features, others), 3)
    if min(len(features), len(others)) > NEIGHBOURS:
        precision, recall = precision_recall(features, others)
        found |= {"precision": round(precision, 4), "recall": round(recall, 4)}
    return found


def _count(features: Floats, others: Floats) -> dict[str, Any]:
    counts = [len(features), len(others)]
    found: dict[str, Any] = {"frechet_images": counts} if min(counts) >= 2 else {}
    if min(counts) > NEIGHBOURS:
        found |= {"manifold_images": counts, "manifold_neighbours": NEIGHBOURS}
    return found


def _root(covariance: Doubles) -> Doubles:
    values, vectors = np.linalg.eigh(covariance)
    root: Doubles = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root


def _measure_accuracy(probabilities: Floats, label: Labels, classifier: Classifier) -> float:
    return round(float((classifier.labels[probabilities.argmax(axis=1)] == label).mean()), 4)


def _judge(decode: Decode, z: Floats, label: Labels, classifier: Classifier) -> tuple[Floats, Floats]:
    parts = [
        classifier.judge(decode(z[i : i + BATCH], label[i : i + BATCH])) for i in range(0, len(z), BATCH)
    ]
    probabilities, features = (np.concatenate(values) for values in zip(*parts, strict=True))
    return probabilities, features
