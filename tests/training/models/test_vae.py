from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tests.training import small
from training.fit.loop import compile_model
from training.models import losses
from training.models.grid import negative_log_evidence
from training.models.networks import build_decoder, build_encoder
from training.models.vae import ConvolutionalVAE


@pytest.mark.parametrize(
    ("shape", "upscale"), [((8, 8, 1), 4), ((28, 28, 1), 2), ((10, 14, 3), 2), ((5, 7, 1), 1)]
)
@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_encoder_and_decoder_have_the_contract_s_shapes(
    shape: tuple[int, int, int], upscale: int, latent_dim: int
) -> None:
    config = small.config(latent_dim=latent_dim, decoder_upscale=upscale)
    x = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    q = build_encoder(config, shape)(x)
    assert {name: tuple(value.shape) for name, value in q.items()} == {
        "z_mean": (3, latent_dim),
        "z_log_var": (3, latent_dim),
    }
    assert tuple(build_decoder(config, shape)(q["z_mean"]).shape) == x.shape


def test_far_from_the_data_the_pictures_no_longer_change() -> None:
    keras.utils.set_random_seed(0)
    decoder = build_decoder(small.config(), (8, 8, 1))
    directions = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    far, further = decoder(1e4 * directions), decoder(1e8 * directions)
    np.testing.assert_allclose(far, further, atol=1e-4)


@pytest.mark.parametrize("shape", [(20, 30, 1), (101, 77, 1), (9, 8, 3), (3, 2, 1)])
@pytest.mark.parametrize("upsampling", ["subpixel", "transposed"])
def test_a_picture_of_any_size_is_decoded_to_its_size(shape: tuple[int, int, int], upsampling: Any) -> None:
    config = small.config(decoder_upscale=4, decoder_upsampling=upsampling)
    assert build_decoder(config, shape)(np.zeros((2, 2), np.float32)).shape == (2, *shape)
    assert ConvolutionalVAE(config, shape)(np.zeros((2, *shape), np.float32))["x_logits"].shape == (2, *shape)


def test_a_step_s_loss_is_the_mean_of_its_parts_weighed_by_beta() -> None:
    model = ConvolutionalVAE(small.config(beta=3.0), (8, 8, 1))
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)
    y = model(x)
    reconstruction = np.asarray(losses.reconstruction_loss(x, y["x_logits"]))
    kl = np.asarray(losses.kl_divergence(y["z_mean"], y["z_log_var"]))
    assert float(model.compute_loss(x, None, y)) == pytest.approx(float((reconstruction + 3 * kl).mean()))
    parts = {name: float(metric.result()) for name, metric in model.parts.items()}
    assert parts == pytest.approx(
        {
            "reconstruction_loss": reconstruction.mean(),
            "kl_divergence": kl.mean(),
            "negative_elbo": (reconstruction + kl).mean(),
            "loss": (reconstruction + 3 * kl).mean(),
        }
    )


def test_the_kl_term_weighs_little_at_first_and_beta_in_the_end() -> None:
    # Of 12 images, 11 train: 6 epochs of one step, the first three of which warm up.
    few = small.from_arrays(small.arrays(train=12, test=8))
    config = small.config(beta=2.0, epochs=6, batch_size=16, kl_warmup_steps=500)
    model = compile_model(config, few)
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)
    y = model(x)
    reconstruction = float(np.mean(losses.reconstruction_loss(x, y["x_logits"])))
    kl = float(np.mean(losses.kl_divergence(y["z_mean"], y["z_log_var"])))
    for steps, weight in ((0, 2 / 3), (1, 4 / 3), (2, 2.0), (5, 2.0)):
        model.optimizer.iterations.assign(steps)
        assert float(model.compute_loss(x, None, y)) == pytest.approx(reconstruction + weight * kl, rel=1e-5)


def test_free_bits_count_in_the_loss_and_in_no_figure() -> None:
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)
    model = ConvolutionalVAE(small.config(free_bits=50.0), (8, 8, 1))
    y = model(x)
    reconstruction = float(np.mean(losses.reconstruction_loss(x, y["x_logits"])))
    assert float(model.compute_loss(x, None, y)) == pytest.approx(reconstruction + 100, rel=1e-5)
    assert float(model.parts["negative_elbo"].result()) < reconstruction + 50


def test_in_exact_epochs_the_decoder_learns_from_the_likelihood_and_the_encoder_from_the_elbo() -> None:
    config = small.config(exact_epochs=1, exact_grid=20)
    model = ConvolutionalVAE(config, (8, 8, 1))
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)

    def find_gradients(exact: bool) -> tuple[list[Any], list[Any]]:
        model.is_exact = exact
        model.reseed(0)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x, None, model(x, training=True), training=True)
        parts = model.encoder.trainable_variables, model.decoder.trainable_variables
        encoder, decoder = tape.gradient(loss, [[v.value for v in part] for part in parts])
        return encoder, decoder

    by_elbo, by_exact = find_gradients(False), find_gradients(True)
    for a, b in zip(by_elbo[0], by_exact[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    model.reseed(0)
    shift = keras.random.uniform((2,), seed=model.shifts)
    with tf.GradientTape() as tape:
        evidence = ops.mean(negative_log_evidence(model.decoder, x, 2, 20, shift))
    alone = tape.gradient(evidence, [v.value for v in model.decoder.trainable_variables])
    for a, b, c in zip(alone, by_exact[1], by_elbo[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        assert not np.allclose(b, c, rtol=1e-2)


def test_dropout_is_on_in_training_only() -> None:
    model = ConvolutionalVAE(small.config(dropout=0.5), (8, 8, 1))
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)

    def z_means(training: bool) -> list[list[float]]:
        return [np.asarray(model(x, training=training)["z_mean"]).tolist() for _ in range(2)]

    assert z_means(False)[0] == z_means(False)[1]
    assert z_means(True)[0] != z_means(True)[1]


def test_reseeding_repeats_an_epoch_s_draws_and_no_other_s() -> None:
    model = ConvolutionalVAE(small.config(dropout=0.5), (8, 8, 1))
    x = np.random.default_rng(0).random((5, 8, 8, 1)).astype(np.float32)

    def draw(epoch: int) -> list[float]:
        model.reseed(epoch)
        return [float(np.sum(model(x, training=True)["x_logits"])) for _ in range(2)]

    first = draw(3)
    assert draw(3) == first
    assert draw(4) != first


def test_the_largest_seed_works() -> None:
    keras.utils.set_random_seed(0)
    model = ConvolutionalVAE(small.config(dropout=0.5, seed=2**32 - 1), (8, 8, 1))
    model(np.zeros((1, 8, 8, 1), np.float32), training=True)


def test_transposed_convolutions_double_the_picture() -> None:
    config = small.config(decoder_filters=(6, 5), decoder_upscale=4, decoder_upsampling="transposed")
    decoder = build_decoder(config, (28, 20, 3))
    assert tuple(decoder(np.zeros((2, 2), np.float32)).shape) == (2, 28, 20, 3)
    kernels = [w.shape for w in decoder.weights if len(w.shape) == 4]
    assert kernels == [(3, 3, 5, 6), (3, 3, 3, 5)]
