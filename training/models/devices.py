"""Train on several devices or machines: the strategy, who writes, how images are dealt out.

Invariant: a step is the same step however many replicas share it, and however unevenly, to the order of
float32's sums: each takes its part of the batch and of the batch's epsilon (`Sampling`), and losses are means
over the whole batch.
"""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

import tensorflow as tf

from training.config import TrainingError

Kind = Literal["none", "mirrored", "multi-worker"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class DistributionError(TrainingError):
    """The machines of a run are not named."""


def make_strategy(kind: Kind) -> tf.distribute.Strategy:
    """Return the strategy of a run. TensorFlow wants it before it computes anything.

    Args:
        kind: "none": one device; "mirrored": all GPUs of this machine; "multi-worker": the machines that the
            environment variable TF_CONFIG names, as TensorFlow defines it.

    Returns:
        The strategy.

    Raises:
        DistributionError: TF_CONFIG is not set.
    """
    if kind == "none":
        return tf.distribute.get_strategy()
    if kind == "mirrored":
        return tf.distribute.MirroredStrategy()
    if "TF_CONFIG" not in os.environ:
        raise DistributionError(
            'TF_CONFIG: expected {"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", '
            '"index": 0}} in the environment, found none'
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process is the one of the run that writes."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None or resolver.task_type == "chief":
        return True
    return "chief" not in resolver.cluster_spec().jobs and resolver.task_id == 0


def deal(rows: tf.data.Dataset) -> tf.data.Dataset:
    """Have each worker take its part of every batch."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return rows.with_options(options)


def spread(logs: dict[str, Any]) -> dict[str, Any]:
    """Return a step's figures in the shape that Keras averages over machines.

    Args:
        logs: Scalars, which are the same on all replicas.

    Returns:
        The same; under several workers, each of shape (1,), since Keras 3.15 takes means over the first axis.
    """
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return logs
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


def fill_empty(part: Any) -> Any:
    """Return a replica's part of a batch, with a row of zeros where it has none: convolutions want one.

    Args:
        part: A tensor, or a dict of tensors, `(rows, ...)`.

    Returns:
        The same, of at least one row; where one process is alone, as it came.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return part
    if isinstance(part, dict):
        return {name: fill_empty(values) for name, values in part.items()}
    missing = tf.cast(tf.equal(tf.shape(part)[0], 0), tf.int32)
    return tf.pad(part, [[0, missing], *[[0, 0]] * (len(part.shape) - 1)])


def share_rows(rows: Any) -> tuple[Any, Any]:
    """Count the rows of a batch that other replicas hold.

    Args:
        rows: Of this replica's part, which may be none; a number or a scalar tensor.

    Returns:
        The rows of the replicas before this one, and those of all: 0 and `rows` where it is alone.
    """
    # There is no context while Keras traces shapes.
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0, rows
    mine = context.replica_id_in_sync_group
    own = tf.one_hot(mine, context.num_replicas_in_sync, tf.cast(rows, tf.int32), dtype=tf.int32)
    counts = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
    return tf.reduce_sum(counts[:mine]), tf.reduce_sum(counts)
