from __future__ import annotations

import pathlib

import pytest

from training.bundles.manifest import read_manifest
from training.bundles.model_card import write_card
from training.bundles.provenance import MNIST_SHA256

MODELS = pathlib.Path(__file__).parents[3] / "models"


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


def test_the_card_tells_what_is_given_and_how_far_a_figure_has_converged(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    error = manifest["metrics"]["exact_likelihood_error"]
    assert f"-log p(x), by quadrature, within {error:.3f} (`exact_likelihood`)" in write_card(manifest)
    assert "given its label" not in write_card(manifest)
    manifest["training"]["conditional"] = True
    manifest["metrics"] |= {"conditional_importance_likelihood": 83.914, "importance_likelihood": 85.99}
    manifest["metrics"]["exact_likelihood_withheld"] = "not converged"
    card = write_card(manifest)
    assert (
        "-log p(x given its label), estimated as that of x is (`conditional_importance_likelihood`)" in card
    )
    assert "83.91 nats" in card
    assert "only `importance_likelihood` compares with models that are not told" in card
    assert "There is no `exact_likelihood`: not converged." in card


def test_the_card_tells_of_a_mixture_that_was_trained(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    assert "which the model was trained with. Under" in write_card(manifest)
    manifest["training"] |= {
        "weight_decay": 0.2,
        "mixture_after": 20,
        "mixture_anchor": 0.1,
        "best_epoch": 21,
    }
    card = write_card(manifest)
    paragraph = next(line for line in card.split("\n\n") if line.startswith("These are under"))
    assert max(map(len, paragraph.splitlines())) <= 120
    assert (
        "which is not the model's own prior. Under the mixture that `/sample` draws from, trained with"
        in (" ".join(paragraph.split()))
    )
    for text in (
        "Weight decay of 0.2 on what Muon trains.",
        "After 20 epochs under N(0, I) a mixture",
        "0.1 of the divergence from N(0, I)",
    ):
        assert text in card
    # The weights of before it were the best.
    manifest["training"]["best_epoch"] = 20
    card = write_card(manifest)
    assert "which the model was trained with. Under" in card
    assert "a mixture of Gaussians was fitted to z, took" not in card


def test_the_card_warns_of_dimensions_that_tell_nothing(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    manifest["metrics"]["active_dimensions"] = 1
    assert "posterior collapse" not in write_card(manifest)
    manifest["metrics"]["active_dimensions"] = 0
    assert "**0 of 2 latent dimensions are active" in write_card(manifest)
    del manifest["metrics"]["active_dimensions"]
    assert "posterior collapse" not in write_card(manifest)


def test_the_card_names_mnist_and_its_licence_where_it_was_used(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    manifest["dataset"]["sha256"] = MNIST_SHA256
    card = write_card(manifest)
    assert "CC BY-SA 3.0" in card
    assert "http" not in card


def test_another_data_set_as_large_is_not_taken_for_mnist(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    manifest["dataset"]["split"] = {"train": 55000, "validation": 5000, "test": 10000}
    assert "MNIST" not in write_card(manifest)


@pytest.mark.parametrize("name", ["mnist-2d", "mnist-16d", "mnist-16d-conditional"])
def test_the_committed_cards_say_what_would_be_written_today(name: str) -> None:
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    assert card == write_card(read_manifest(MODELS / name))


def test_the_committed_mnist_bundle_is_taken_for_mnist() -> None:
    assert read_manifest(MODELS / "mnist-2d")["dataset"]["sha256"] == MNIST_SHA256


def test_the_card_tells_of_colour_and_of_the_names_of_classes(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    assert "pixels are grey, under" in write_card(manifest)
    assert "labels are" not in write_card(manifest)
    manifest["image"]["channels"] = 3
    manifest["dataset"]["class_names"] = ["cat", "dog"]
    card = write_card(manifest)
    assert "pixels are red, green and blue, under" in card
    assert "Its labels are 0 cat, 1 dog.\n" in card


def test_the_card_tells_what_refinement_costs(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    assert "in 2 step(s)" in (card := write_card(manifest))
    assert "10 decodings" in card
    manifest["training"]["refine_steps"] = 0
    assert "decodings" not in write_card(manifest)
