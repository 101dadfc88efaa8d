"""Layers for Keras that Keras itself does not have."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from training.models.devices import share_rows

Tensor = Any


class Sampling(keras.layers.Layer):
    """Draws z = z_mean + exp(z_log_var / 2) epsilon, epsilon from N(0, I).

    This is the reparameterisation trick of Kingma & Welling 2014, section 2.4. The layer has its own
    seed generator, so that other random layers do not change its draws. Replicas that share a batch, in parts
    that need not be as large, draw the epsilon of all of it and take their own part, so that their number
    does not change it.

    Input shape: a pair of `(batch, latent_dim)` float32, `z_mean` and `z_log_var`.
    Output shape: `(batch, latent_dim)` float32.
    """

    def __init__(self, seed: int, **kwargs: Any) -> None:
        """Store the seed.

        Args:
            seed: Of the layer's own generator.
            **kwargs: Passed to `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Draw one z for each row."""
        z_mean, z_log_var = inputs
        rows, dim = ops.shape(z_mean)[0], z_mean.shape[1]
        before, total = share_rows(rows)
        epsilon = keras.random.normal((total, dim), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon[before:][:rows]


class DepthToSpace(keras.layers.Layer):
    """Turns each pixel's channels into a square block of pixels (Shi et al. 2016, section 2.2).

    Input shape: `(batch, height, width, block**2 channels)`.
    Output shape: `(batch, block height, block width, channels)`, same dtype.
    """

    def __init__(self, block: int, **kwargs: Any) -> None:
        """Store the side of a block.

        Args:
            block: In pixels.
            **kwargs: Passed to `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.block = block

    def call(self, inputs: Tensor) -> Tensor:
        """Rearrange the values; none changes."""
        # TensorFlow's own op becomes one ONNX node; reshapes and a transpose would become four.
        return inputs if self.block == 1 else tf.nn.depth_to_space(inputs, self.block)


class Reshape(keras.layers.Layer):
    """Gives each row another shape.

    Keras' own Reshape and Flatten compute the batch size while they run, and tf2onnx removes those nodes only
    by chance of its hash seed; here the batch is the dimension left open.

    Input shape: `(batch, ...)`.
    Output shape: `(batch, *shape)`, same dtype.
    """

    def __init__(self, shape: tuple[int, ...], **kwargs: Any) -> None:
        """Store the shape.

        Args:
            shape: Of a row.
            **kwargs: Passed to `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.shape = shape

    def call(self, inputs: Tensor) -> Tensor:
        """Reshape; no value moves."""
        return ops.reshape(inputs, (-1, *self.shape))


def crop(h: Tensor, height: int, width: int) -> Tensor:
    """Cut what is over height and width off all around, where anything is."""
    over = h.shape[1] - height, h.shape[2] - width
    if over == (0, 0):
        return h
    return keras.layers.Cropping2D(tuple((each // 2, each - each // 2) for each in over), name="cropped")(h)
