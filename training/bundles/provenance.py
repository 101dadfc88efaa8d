"""What a bundle was trained on, and how, in the words of its model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MNIST_SHA256 = "466bdc00ce7ea4e6eef6274eb1ff4787902972196c3396d0fb05a045121f1f8b"
MNIST = """MNIST: handwritten digits by Y. LeCun, C. Cortes and C. Burges, licensed CC BY-SA 3.0. The bundle
holds no image of the training set; its golden vectors hold eight of the test set, under the same licence."""

OPTIMIZERS = {"adam": "Adam", "muon": "Muon and Adam"}


def describe_training(manifest: Mapping[str, Any]) -> str:
    """Return the part of a model card that says what the model was trained on, and how."""
    training, dataset = manifest["training"], manifest["dataset"]
    split = dataset["split"]
    names = ", ".join(f"{i} {name}" for i, name in enumerate(dataset.get("class_names", [])))
    classes = f"Its labels are {names}.\n" if names else ""
    producers = ", ".join(f"{name} {version}" for name, version in manifest["producer"].items())
    optimizer = OPTIMIZERS[training.get("optimizer", "adam")]
    epochs = training["epochs"] + training.get("exact_epochs", 0)
    how = f"{_joint(training)}{_exact(training)}{_commits(manifest)}"
    data = f"\n{MNIST}\n" if dataset["sha256"] == MNIST_SHA256 else ""
    return (
        f"## Training\n\n{split['train']:,} images of the data set `{dataset['name']}` "
        f"(SHA-256 `{dataset['sha256'][:16]}…`) fitted it; {split['validation']:,} others\nchose epoch "
        f"{training['best_epoch']} of {epochs}. {optimizer} at {training['learning_rate']:g} "
        f"({training['schedule']}), batches of {training['batch_size']}, beta {training['beta']:g}, seed "
        f"{training['seed']}.\n{how}Made with {producers}.\n{classes}{data}"
    )


def count_normal(training: Mapping[str, Any]) -> int:
    """Return the epochs before those with a mixture; 0 if the epoch that was chosen is not one of these."""
    after: int = training.get("mixture_after", 0)
    return after if after < training["best_epoch"] else 0


def _commits(manifest: Mapping[str, Any]) -> str:
    trained, exported = manifest["training"].get("git_commit"), manifest.get("git_commit")
    if not trained or not exported:
        return ""
    return f"Trained by commit `{trained[:12]}`, exported by `{exported[:12]}`.\n"


def _exact(training: Mapping[str, Any]) -> str:
    if not training.get("exact_epochs"):
        return ""
    side, begun = training["exact_grid"], training.get("exact_begun_from")
    start = f"of version {begun}" if begun else f"of the best of the first {training['epochs']}"
    return (
        f"The last {training['exact_epochs']} epochs, from the weights {start}, trained the decoder on -log "
        f"p(x) itself, by quadrature\nover a grid of {side} points a side, and the encoder to follow it: "
        f"{training['exact_batch_size']} images a step, at {training['exact_learning_rate']:g}.\n"
    )


def _joint(training: Mapping[str, Any]) -> str:
    decay, after = training.get("weight_decay", 0.0), count_normal(training)
    text = f"Weight decay of {decay:g} on what Muon trains.\n" if decay else ""
    if not after:
        return text
    shared = ", one for all labels," if training.get("conditional") else ""
    return (
        f"{text}After {after} epochs under N(0, I) a mixture of Gaussians was fitted to z, took its "
        f"place{shared} and was trained with\nthe rest; {training['mixture_anchor']:g} of the divergence "
        "from N(0, I) was added to the loss from then on.\n"
    )
