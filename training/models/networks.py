"""The networks: from images to q(z|x), and from z to the log-odds of p(x|z)."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from training.config import TrainConfig
from training.models.layers import DepthToSpace, Reshape, crop

Tensor = Any
Shape = tuple[int, int, int]


def build_encoder(config: TrainConfig, shape: Shape) -> keras.Model:
    """Return the network from images to the parameters of q(z|x).

    Args:
        config: Its sizes.
        shape: Height, width and channels of an image.

    Returns:
        A model from `x` `(batch, height, width, channels)` float32 in [0, 1] to a dict of `z_mean` and
        `z_log_var`, each `(batch, latent_dim)` float32.
    """
    x = h = keras.Input(shape, name="x")
    for i, filters in enumerate(config.encoder_filters):
        # Two halvings keep the 7 x 7 of a 28 x 28 picture; later convolutions only mix.
        h = layers.Conv2D(filters, 3, strides=2 if i < 2 else 1, padding="same", activation="silu")(h)
    h = Reshape((math.prod(h.shape[1:]),))(h)
    for i, units in enumerate(config.encoder_units):
        h = layers.Dropout(config.dropout, seed=config.seed + i)(h)
        new = layers.Dense(units, activation="silu")(h)
        h = h + new if i and h.shape[1] == units else new
    h = layers.Dropout(config.dropout, seed=config.seed + len(config.encoder_units))(h)
    outputs = {name: layers.Dense(config.latent_dim, name=name)(h) for name in ("z_mean", "z_log_var")}
    return keras.Model(x, outputs, name="encoder")


def build_decoder(config: TrainConfig, shape: Shape, labels: int = 0) -> keras.Model:
    """Return the network from latent vectors to the log-odds of p(x|z), or p(x|z, label).

    A dense trunk makes a small picture of few channels; 3 x 3 convolutions refine it; a sub-pixel
    convolution (Shi et al. 2016), or transposed ones in their place, bring it to full size. Where
    `decoder_upscale` does not divide height or width that is a few pixels more, which are cut off all around.

    Args:
        config: Its sizes.
        shape: Height, width and channels of an image.
        labels: How many there are; read only where the config is conditional.

    Returns:
        A model from `z` `(batch, latent_dim)` float32, in a list with the one-hot label `(batch, labels)`
        float32 if the config is conditional, to `x_logits` `(batch, height, width, channels)` float32.
    """
    height, width, channels = shape
    times = config.decoder_upscale
    small = -(-height // times), -(-width // times)
    inputs = h = keras.Input((config.latent_dim,), name="z")
    if config.conditional:
        inputs = [h, keras.Input((labels,), name="label")]
        h = layers.Concatenate()(inputs)
    first, *others = config.decoder_filters
    for i, units in enumerate((*config.decoder_units, math.prod(small) * first)):
        # z is two numbers, so the trunk draws curves over a plane: a smooth activation gains 2.9 nats there.
        # The first is bounded, so that pictures stay pictures far from the data; it gains 0.6 nats more.
        h = layers.Dense(units, activation="tanh" if i == 0 else "silu")(h)
    h = Reshape((*small, first))(h)
    if config.decoder_upsampling == "transposed":
        return keras.Model(inputs, crop(_double(h, others, channels), height, width), name="decoder")
    for filters in others:
        h = layers.Conv2D(filters, 3, padding="same", activation="relu")(h)
    h = layers.Conv2D(times**2 * channels, 3, padding="same")(h)
    return keras.Model(inputs, crop(DepthToSpace(times, name="x_logits")(h), height, width), name="decoder")


def _double(h: Tensor, filters: list[int], channels: int) -> Tensor:
    for count in filters:
        h = layers.Conv2DTranspose(count, 3, strides=2, padding="same", activation="relu")(h)
    return layers.Conv2DTranspose(channels, 3, strides=2, padding="same", name="x_logits")(h)
