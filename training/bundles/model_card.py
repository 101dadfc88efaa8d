"""Write a bundle's model card (Mitchell et al. 2019): what a bundle is, its figures, its limits."""

from __future__ import annotations

import pathlib
import textwrap
from collections.abc import Mapping
from typing import Any

from training.bundles.manifest import write_manifest
from training.bundles.provenance import count_normal, describe_training
from training.evaluation.posteriors import warn_of_collapse

# Of a line whose words are not the same in every card.
WIDTH = 120

LIKELIHOODS = {
    "importance_likelihood": "-log p(x), from above by {importance_samples} importance samples an image",
    "exact_likelihood": "-log p(x), by quadrature{within}",
    "conditional_importance_likelihood": "-log p(x given its label), estimated as that of x is",
    "conditional_exact_likelihood": "-log p(x given its label), by quadrature",
}
SAMPLE_FIGURES = {
    "confident_share": "sure",
    "frechet_distance": "Fréchet distance",
    "precision": "precision",
    "recall": "recall",
}
LIMITS = """## Use and limits

For demonstrations, teaching and tests of systems that serve models. It knows only images like those it was
trained on: anything else is drawn, and encoded, as the nearest thing it knows. Its pictures are means of
p(x|z), so they are smoother than the data. It is no classifier: the labels only say where classes lie.
"""


def update_bundle(folder: pathlib.Path, manifest: Mapping[str, Any]) -> None:
    """Write a bundle's manifest, and the card that says the same.

    Args:
        folder: `models/<name>`.
        manifest: Whole. Of a model that was not trained here it says too little: its card stays as it is.
    """
    write_manifest(folder, manifest)
    if manifest["training"]:
        (folder / "README.md").write_text(write_card(manifest), encoding="utf-8")


def write_card(manifest: Mapping[str, Any]) -> str:
    """Return the model card of a bundle.

    Args:
        manifest: Whole.

    Returns:
        Markdown.
    """
    parts = (
        f"# {manifest['name']}\n",
        _summary(manifest),
        _picture(manifest),
        "![Where the test images lie in latent space, by label](plots/latent.png)\n",
        _figures(manifest),
        _generation(manifest),
        describe_training(manifest),
        LIMITS,
    )
    return "\n".join(filter(None, parts))


def _picture(manifest: Mapping[str, Any]) -> str:
    if manifest["training"].get("conditional"):
        return "![Each label in the same twenty styles](plots/styles.png)\n"
    return "![What an even grid over latent space decodes to](plots/manifold.png)\n"


def _summary(manifest: Mapping[str, Any]) -> str:
    image = manifest["image"]
    return (
        f"A convolutional variational autoencoder with {manifest['latent_dim']} latent dimensions, over "
        f"images\nof {image['height']} x {image['width']} pixels and {image['channels']} channel(s), "
        f"{image['polarity']}. Version {manifest['version']}.\n{_refinement(manifest)}"
    )


def _refinement(manifest: Mapping[str, Any]) -> str:
    steps = manifest["training"]["refine_steps"]
    decodings = steps * (2 * manifest["latent_dim"] + 1)
    if steps == 0:
        return ""
    side = manifest["training"].get("refine_grid", 0)
    start = (
        f"It starts from the best point of a grid of {side} a side, or from what the network says if that is "
        "likelier.\n"
    )
    return (
        f"`encoder.onnx` refines each image's z_mean in {steps} step(s) by asking the decoder: encoding an "
        f"image costs\n{decodings + bool(side)} decodings besides.\n{start if side else ''}"
    )


def _figures(manifest: Mapping[str, Any]) -> str:
    metrics = manifest["metrics"]
    rows = [
        ("`reconstruction_loss`", f"{metrics['reconstruction_loss']:.2f} nats per image"),
        ("`kl_divergence`", f"{metrics['kl_divergence']:.2f} nats per image"),
        ("`negative_elbo`", f"{metrics['negative_elbo']:.2f} nats per image"),
        ("label accuracy of the 15 nearest neighbours in latent space", f"{metrics['knn_accuracy']:.3f}"),
    ]
    pixels = "grey" if manifest["image"]["channels"] == 1 else "red, green and blue"
    error = metrics.get("exact_likelihood_error")
    within = "" if error is None else f", within {error:.3f}"
    rows += [
        (f"{text.format(**metrics, within=within)} (`{key}`)", f"{metrics[key]:.2f} nats per image")
        for key, text in LIKELIHOODS.items()
        if key in metrics
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        f"## Figures\n\nOver all {metrics['images']:,} images of the {metrics['split']} split, which neither "
        f"fitted a weight nor chose an epoch. One z is drawn for\neach image; pixels are {pixels}, under a "
        f"Bernoulli likelihood.\n\n| figure | value |\n| --- | --- |\n{table}\n{_notes(manifest)}"
    )


def _notes(manifest: Mapping[str, Any]) -> str:
    notes = []
    if manifest["training"].get("conditional"):
        notes.append(
            "The decoder is given each image's label, so `reconstruction_loss` and `negative_elbo` are those "
            "of x given\nits label; only `importance_likelihood` compares with models that are not told."
        )
    active = manifest["metrics"].get("active_dimensions", manifest["latent_dim"])
    if warning := warn_of_collapse(active, manifest["latent_dim"]):
        notes.append(f"**{warning}.**")
    if under := manifest["metrics"].get("mixture_prior"):
        notes.append(_mixture(under, _tell_priors(manifest)))
    if "entropy_floor" in manifest["metrics"]:
        notes.append(_scales(manifest["metrics"], has_mixture=bool(under)))
    if why := manifest["metrics"].get("exact_likelihood_withheld"):
        notes.append(f"There is no `exact_likelihood`: {why}.")
    return "".join(f"\n{note}\n" for note in notes)


def _tell_priors(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return what N(0, I) is to the model, and where its mixture comes from."""
    fitted = "fitted to z of the training images afterwards"
    if not count_normal(manifest["training"]):
        return "the model was trained with", fitted
    if manifest["training"].get("conditional"):
        return "is not the prior it was trained with", f"one for each label, {fitted}"
    return "is not the model's own prior", "trained with the model"


def _mixture(under: Mapping[str, Any], priors: tuple[str, str]) -> str:
    normal, mixture = priors
    text = (
        f"These are under N(0, I), which {normal}. Under the mixture that `/sample` draws "
        f"from, {mixture}, `kl_divergence` is "
        f"{under['kl_divergence']:.2f}, a Monte Carlo estimate over {under['kl_samples']} z an image, "
        f"`negative_elbo` {under['negative_elbo']:.2f}"
    )
    if "importance_likelihood" not in under:
        return _wrap(f"{text}.")
    found = f"`importance_likelihood` {under['importance_likelihood']:.2f} nats per image"
    return _wrap(f"{text}, and {found}.")


def _scales(metrics: Mapping[str, Any], *, has_mixture: bool) -> str:
    floor = f"The grey of the pixels costs {metrics['entropy_floor']:.2f} nats per image, whatever the model."
    drawn = metrics.get("binarised")
    if drawn is None:
        return _wrap(floor)
    exact = f", {drawn['exact_likelihood']:.2f} by quadrature" if "exact_likelihood" in drawn else ""
    text = (
        f"{floor} With each pixel drawn black or white by its grey, as the literature has MNIST, "
        f"`importance_likelihood` is {drawn['importance_likelihood']:.2f} under N(0, I){exact}"
    )
    if has_mixture and "mixture_prior" in drawn:
        text += f", and {drawn['mixture_prior']['importance_likelihood']:.2f} under the mixture"
    return _wrap(f"{text}.")


def _wrap(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _generation(manifest: Mapping[str, Any]) -> str:
    judged = manifest["metrics"].get("generation")
    if not judged:
        return ""
    shares = judged["class_accuracy"]
    heads, values = " | ".join(shares), " | ".join(f"{share:.3f}" for share in shares.values())
    return (
        f"## Pictures\n\nJudged by a classifier trained apart from the model, which names "
        f"{judged['classifier_accuracy']:.2%} of the test images rightly. The share\nof 1,000 pictures drawn "
        f"of a class that it takes for this class, by label:\n\n| {heads} |\n|{' --- |' * len(shares)}\n"
        f"| {values} |\n\n{_restyled(judged)}{_samples(judged)}"
    )


def _restyled(judged: Mapping[str, Any]) -> str:
    if "restyled_accuracy" not in judged:
        return ""
    return (
        f"With the z of a test image and another label, {judged['restyled_accuracy']:.1%} of the pictures "
        "are taken for that label:\nso far z is the style alone.\n\n"
    )


def _samples(judged: Mapping[str, Any]) -> str:
    rows = [
        (name, judged[key] if key else judged)
        for name, key in (
            ("from the prior", ""),
            ("from N(0, I)", "normal_prior"),
            ("of the classes", "classes"),
            ("training images", "training_images"),
        )
        if not key or key in judged
    ]
    shown = {key: text for key, text in SAMPLE_FIGURES.items() if key in judged}
    lines = "\n".join(
        f"| {name} | " + " | ".join(_cell(found, key) for key in shown) + " |" for name, found in rows
    )
    heads = f"| pictures | {' | '.join(shown.values())} |\n|{' --- |' * (1 + len(shown))}"
    text = f"Sure are those given a label with probability 0.9 or more.\n\n{heads}\n{lines}\n"
    if "frechet_images" not in judged:
        return text
    drawn, real = judged["frechet_images"]
    counted = (
        f"\nThe distance is that between the classifier's features of {drawn:,} pictures and of {real:,} "
        "test images, as Gaussians; it compares\nwith others under this classifier, of as many images, only."
    )
    if "manifold_images" in judged:
        counted += (
            " Precision is the share of pictures among the test\nimages' features, recall that of test "
            "images among those of pictures (Kynkäänniemi et al. 2019), each by the "
            f"{judged['manifold_neighbours']} nearest\nof as many. Training images say what can be reached."
        )
    return f"{text}{counted}\n"


def _cell(found: Mapping[str, Any], key: str) -> str:
    if key not in found:
        return ""
    return f"{found[key]:.1%}" if key == "confident_share" else f"{found[key]:.2f}"
