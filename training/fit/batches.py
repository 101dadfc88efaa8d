"""Deal out a data set's images in batches, the same ones for the same seed and epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from training.config import TrainConfig
from training.data.datasets import Dataset, Split


def steps_per_epoch(split: Split, config: TrainConfig) -> int:
    """Count the batches of an epoch, the last, smaller one too."""
    return -(-len(split) // config.batch_size)


def batches(dataset: Dataset, config: TrainConfig, first_epoch: int = 0) -> tf.data.Dataset:
    """Return all batches of all epochs from one on; the order depends on seed and epoch alone.

    Args:
        dataset: Its training split is kept in memory as uint8.
        config: Its seed, batch size and epochs.
        first_epoch: Counted from 0.

    Returns:
        Batches, as `ConvolutionalVAE.call` takes them.
    """
    split, prepare = dataset.train, _prepare(dataset, config)
    images, labels = tf.constant(split.x), tf.constant(split.label)

    def epoch_order(epoch: tf.Tensor) -> tf.data.Dataset:
        seed = tf.stack([tf.constant(config.seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(split)), seed)
        return tf.data.Dataset.from_tensor_slices(order).batch(config.batch_size)

    epochs = tf.data.Dataset.range(first_epoch, config.epochs)
    orders = epochs.flat_map(epoch_order)
    picked = orders.map(lambda rows: prepare(tf.gather(images, rows), tf.gather(labels, rows)))
    return picked.prefetch(tf.data.AUTOTUNE)


def in_order(dataset: Dataset, config: TrainConfig) -> tf.data.Dataset:
    """Return the batches of the validation split, as `batches` gives them, once."""
    split = dataset.validation
    rows = tf.data.Dataset.from_tensor_slices((split.x, split.label)).batch(config.batch_size)
    return rows.map(_prepare(dataset, config))


def _prepare(dataset: Dataset, config: TrainConfig) -> Callable[[tf.Tensor, tf.Tensor], Any]:
    known = tf.constant(dataset.labels)

    def prepare(x: tf.Tensor, label: tf.Tensor) -> Any:
        x = tf.cast(x, tf.float32) / 255.0
        return {"x": x, "label": tf.cast(label[:, None] == known, tf.float32)} if config.conditional else x

    return prepare
