from __future__ import annotations

import pathlib

from training.card import write_card
from training.manifest import read_manifest


def test_the_card_tells_figures_training_and_limits(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    card = write_card(manifest)
    metrics = manifest["metrics"]
    for text in (
        "# digits\n",
        manifest["version"],
        f"`negative_elbo` | {metrics['negative_elbo']:.2f} nats per image",
        f"{metrics['knn_accuracy']:.3f}",
        "550 images of the data set `digits`",
        manifest["dataset"]["sha256"][:16],
        f"epoch {manifest['training']['best_epoch']} of 2",
        "seed 0",
        "## Use and limits",
        "(plots/manifold.png)",
        "(plots/latent.png)",
    ):
        assert text in card
    assert "MNIST" not in card


def test_the_card_names_mnist_and_its_licence_where_it_was_used(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    manifest["dataset"]["split"] = {"train": 55000, "validation": 5000, "test": 10000}
    card = write_card(manifest)
    assert "CC BY-SA 3.0" in card
    assert "http" not in card


def test_the_card_tells_what_refinement_costs(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    assert "in 2 step(s)" in (card := write_card(manifest))
    assert "10 decodings" in card
    manifest["training"]["refine_steps"] = 0
    assert "decodings" not in write_card(manifest)
