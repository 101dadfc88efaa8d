"""The optimizers. Muon's iteration is most of a step, so it is written for speed."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from training.config import TrainConfig

Tensor = Any


def make_optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    """Return the optimizer of a run.

    Args:
        config: Its optimizer, learning rate, schedule, weight decay and Muon's precision.
        steps: Of the whole run.

    Returns:
        An optimizer that is not built yet.
    """
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps, alpha=0.01)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate)  # Kingma & Ba 2015
    kind = keras.optimizers.Muon if config.muon_precision == "float32" else HalfMuon
    # Biases, convolutions and the prior, which are Adam's, stay out of it.
    return kind(rate, weight_decay=config.weight_decay, adam_weight_decay=0.0)


class HalfMuon(keras.optimizers.Muon):
    """Muon (Jordan et al. 2024) that orthogonalizes in bfloat16, as its authors do.

    Keras iterates X ← (a I + b X Xᵀ + c (X Xᵀ)²) X. With X scaled by c^¼ and the square completed, that is
    X ← ((X Xᵀ + β I)² + γ I) X with β = b / (2 √c) and γ = a - b² / (4 c): three products and two sums,
    where sums and scalings take a third of the time otherwise.
    """

    def zeropower_via_newtonschulz5(self, x: Tensor, steps: int) -> Tensor:
        """Return a matrix with the singular vectors of `x` and singular values near 1.

        Args:
            x: `(n, m)` float32.
            steps: Iterations.

        Returns:
            `(n, m)` float32; singular values below about 1e-3 of the largest are lost in the rounding.
        """
        a, b, c = self.muon_a, self.muon_b, self.muon_c
        scale, tall = c**0.25, x.shape[0] > x.shape[1]
        identity = tf.eye(min(x.shape))
        beta = tf.cast(b / (2 * c**0.5) * identity, tf.bfloat16)
        gamma = tf.cast((a - b**2 / (4 * c)) * identity, tf.bfloat16)
        x = tf.cast(x * (scale / (tf.norm(x) + 1e-7)), tf.bfloat16)
        for _ in range(steps):
            h = tf.matmul(x, x, transpose_a=tall, transpose_b=not tall) + beta
            q = tf.matmul(h, h) + gamma
            x = tf.matmul(x, q) if tall else tf.matmul(q, x)
        return tf.cast(x, tf.float32) / scale
