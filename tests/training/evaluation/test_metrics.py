from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from training.data.datasets import Dataset, Split, scale
from training.evaluation import metrics
from training.evaluation.likelihood import BATCH, SMALLEST, Floats, Labels
from training.fit.loop import Run
from training.models import losses
from training.models.encoding import Posteriors


def decode(z: Floats, _: Labels) -> Floats:
    image = 1 / (1 + np.exp(-z.sum(axis=1)))
    return np.broadcast_to(image[:, None, None, None], (len(z), 4, 4, 1)).astype(np.float32)


def posteriors(n: int, seed: int = 0, classes: int = 3) -> Posteriors:
    rng = np.random.RandomState(seed)
    label = rng.randint(0, classes, n)
    z_mean = (rng.normal(0, 1, (n, 2)) + label[:, None]).astype(np.float32)
    return Posteriors(z_mean, np.full((n, 2), -4, np.float32), label)


def images(n: int) -> Split:
    return Split(
        np.random.RandomState(1).randint(0, 256, (n, 4, 4, 1)).astype(np.uint8), np.zeros(n, np.int64)
    )


def test_means_are_over_all_images_of_the_split() -> None:
    n = BATCH + 7
    q, split = posteriors(n), images(n)
    figures = metrics.measure(decode, q, split, seed=5)
    epsilon = np.random.RandomState(5).standard_normal((n, 2))
    z = (q.z_mean + np.exp(q.z_log_var / 2) * epsilon).astype(np.float32)
    x_logits = np.broadcast_to(z.sum(axis=1)[:, None, None, None], (n, 4, 4, 1))
    reconstruction = np.mean(losses.reconstruction_loss(scale(split.x), x_logits))
    kl = np.mean(losses.kl_divergence(q.z_mean, q.z_log_var))
    np.testing.assert_allclose(figures["reconstruction_loss"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(figures["kl_divergence"], kl, rtol=1e-5)
    np.testing.assert_allclose(figures["negative_elbo"], reconstruction + kl, rtol=1e-5)


def test_a_pixel_that_is_surely_wrong_costs_a_bounded_amount() -> None:
    split = Split(np.full((1, 4, 4, 1), 255, np.uint8), np.zeros(1, np.int64))
    q = Posteriors(np.zeros((1, 2), np.float32), np.full((1, 2), -50, np.float32), split.label)
    black = metrics.measure(lambda *_: np.zeros((1, 4, 4, 1), np.float32), q, split)
    np.testing.assert_allclose(black["reconstruction_loss"], 16 * -np.log(SMALLEST))


def test_no_model_costs_less_than_the_grey_of_the_pixels() -> None:
    split = images(5)
    q = Posteriors(np.zeros((5, 2), np.float32), np.full((5, 2), -50, np.float32), split.label)
    best = metrics.measure(lambda *_: scale(split.x), q, split)["reconstruction_loss"]
    assert metrics.entropy_floor(split.x) == pytest.approx(best, rel=1e-5)
    half = np.full((3, 2, 2, 1), 51, np.uint8)
    assert metrics.entropy_floor(half) == pytest.approx(-4 * (0.2 * np.log(0.2) + 0.8 * np.log(0.8)))
    assert metrics.entropy_floor(np.array([0, 255] * 8, np.uint8).reshape(1, 4, 4, 1)) == 0


def test_each_image_is_decoded_with_its_label() -> None:
    split = dataclasses.replace(images(3), label=np.array([2, 0, 1]))
    q = Posteriors(np.zeros((3, 2), np.float32), np.zeros((3, 2), np.float32), split.label)
    seen: list[int] = []

    def note(z: Floats, label: Labels) -> Floats:
        seen.extend(label)
        return decode(z, label)

    metrics.measure(note, q, split)
    assert seen == [2, 0, 1]


def test_likelihoods_are_left_out_if_not_asked_for() -> None:
    q, split = posteriors(20), images(20)
    assert set(metrics.figures(decode, q, q, split, "test")) - set(
        metrics.figures(decode, q, q, split, "test", samples=0)
    ) == {"importance_likelihood", "exact_likelihood", "exact_likelihood_error"}


def test_figures_of_a_trained_run_agree_with_its_log(run: Run, digits: Dataset) -> None:
    from training.onnx.export import export

    encoder, decoder = (graph.run() for graph in export(run.model, scale(digits.test.x)))
    figures = metrics.evaluate(
        encoder, lambda z, _: decoder(z)["image"], digits.train, digits.validation, "validation"
    )
    logged = run.history[run.best_epoch - 1]
    # Both draw one z an image, from different seeds; 50 images.
    assert figures["negative_elbo"] == pytest.approx(logged["val_negative_elbo"], abs=1.0)
    assert figures["kl_divergence"] == pytest.approx(logged["val_kl_divergence"], abs=0.01)
    assert (figures["split"], figures["images"]) == ("validation", 50)
