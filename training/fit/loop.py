"""Train a model: the loop, the order of its images, resuming, progress.

Invariant: what an epoch does depends on the config, the data and the weights and optimizer state at its
start, and on nothing else. A run that is killed and resumed therefore ends where it would have ended.
"""

from __future__ import annotations

import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.config import TrainConfig
from training.data.datasets import HELD_OUT, Dataset
from training.fit.batches import batches, in_order, steps_per_epoch
from training.fit.checkpoints import Checkpoint, RunError, best_epoch
from training.fit.mixture import begin_mixture, find_groups
from training.fit.origin import check_free, claim, read_origin
from training.fit.pace import Pace
from training.fit.phases import Phase, list_phases
from training.models.devices import deal, is_chief, make_strategy
from training.models.gaussians import MOST_NUMBERS
from training.models.optimizers import make_optimizer
from training.models.prior import place_components
from training.models.vae import ConvolutionalVAE


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        model: With the weights of the best epoch.
        best_epoch: The one with the lowest validation negative_elbo, counted from 1.
        history: One row of metrics an epoch, in nats per image.
        held_out: How its validation images were chosen; None: as before that had a name.
        git_commit: Of the code that began the run, None outside of a checkout.
    """

    model: ConvolutionalVAE
    best_epoch: int
    history: list[dict[str, float]]
    held_out: str | None = HELD_OUT
    git_commit: str | None = None

    def encode(self, x: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return `z_mean` and `z_log_var` of images, as Keras computes them."""
        return {name: np.asarray(value) for name, value in self.model.infer(x).items()}


def train(
    config: TrainConfig,
    dataset: Dataset,
    output: pathlib.Path,
    *,
    resume: bool = False,
    tensorboard: bool = False,
    verbose: int = 1,
) -> Run:
    """Train a VAE on one device and leave config, log and checkpoints in a folder.

    Args:
        config: Every choice of the run.
        dataset: Its train split is fitted, its validation split chooses the epoch; test is not touched.
        output: Made if missing.
        resume: Continue from the newest checkpoint in `output`, if it has one.
        tensorboard: Also write TensorBoard logs to `output/tensorboard`.
        verbose: As in `keras.Model.fit`: 0 silent, 1 a progress bar, 2 a line an epoch.

    Returns:
        The run, with the best epoch's weights.

    Raises:
        RunError: `output` holds a run and `resume` is off, or holds a run of another config or data set;
            training images have one label, or test images others, and the model is conditional; there are too
            many labels for `mixture_after`; several machines are asked for `exact_epochs` or `mixture_after`;
            or the loss became infinite.
    """
    fit(config, dataset, output, resume=resume, tensorboard=tensorboard, verbose=verbose)
    return load(output, dataset)


def fit(
    config: TrainConfig,
    dataset: Dataset,
    output: pathlib.Path,
    *,
    strategy: tf.distribute.Strategy | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    verbose: int = 1,
    pace: Pace | None = None,
) -> None:
    """Train a VAE as `train` does, on as many devices or machines as its strategy has.

    Args:
        config: As for `train`.
        dataset: As for `train`; every worker has it.
        output: As for `train`; all workers read it, the chief writes it.
        strategy: From `make_strategy`; None: this process alone.
        resume: As for `train`.
        tensorboard: As for `train`.
        verbose: As for `train`.
        pace: Tells how long the run will take.

    Raises:
        RunError: As for `train`.
    """
    strategy = strategy or make_strategy("none")
    chief = is_chief(strategy)
    for name in ("exact_epochs", "mixture_after"):
        if getattr(config, name) and isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise RunError(f"{name}: expected one machine, received several")
    if chief:
        check_free(output, config, dataset, resume)
    _check_labels(config, dataset)
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    checkpoint = Checkpoint(output)
    for phase in list_phases(config):
        if max(checkpoint.epochs(), default=0) >= phase.config.epochs:
            continue
        with strategy.scope():
            model = compile_model(config, dataset, phase)
        if chief:
            # Not before there is a model: a start that fails leaves the folder to the next one.
            claim(output, config, dataset)
        first = checkpoint.restore(model) if chief else checkpoint.load_newest(model)
        if phase.is_exact and first == phase.first:
            with strategy.scope():
                _start_anew(model, checkpoint, dataset, phase)
        if model.prior is not None and phase.is_mixed and first == phase.first:
            begin_mixture(model, model.prior, dataset.train)
        callbacks: list[keras.callbacks.Callback] = [Reseed()]
        if chief:
            callbacks += [checkpoint, *([pace] if pace else [])]
        if chief and tensorboard:
            callbacks.append(keras.callbacks.TensorBoard(str(output / "tensorboard")))
        _fit_phase(model, dataset, phase, first, callbacks, verbose if chief else 0)


def _start_anew(model: ConvolutionalVAE, checkpoint: Checkpoint, dataset: Dataset, phase: Phase) -> None:
    """Begin a phase with the best weights so far, and with an optimizer that remembers nothing."""
    model.load_weights(checkpoint.path(best_epoch(checkpoint.history())))
    _set_optimizer(model, dataset, phase)


def _fit_phase(
    model: ConvolutionalVAE,
    dataset: Dataset,
    phase: Phase,
    first: int,
    callbacks: list[keras.callbacks.Callback],
    verbose: int,
) -> None:
    model.fit(
        deal(batches(dataset, phase.config, first)),
        steps_per_epoch=steps_per_epoch(dataset.train, phase.config),
        initial_epoch=first,
        epochs=phase.config.epochs,
        validation_data=deal(in_order(dataset, phase.config)),
        callbacks=callbacks,
        shuffle=False,  # each epoch of `batches` is shuffled already
        verbose=verbose,
    )


def load(output: pathlib.Path, dataset: Dataset) -> Run:
    """Return a folder's run with the weights of its best epoch so far.

    Args:
        output: Where `train` wrote.
        dataset: Of that run.

    Returns:
        The run.

    Raises:
        RunError: The folder has no checkpoint, or one of a run on another data set.
    """
    checkpoint = Checkpoint(output)
    history = checkpoint.history()
    if not history:
        raise RunError(f"{output}: expected a run with a checkpoint, found none")
    origin = read_origin(output)
    if origin.dataset_sha256 != dataset.sha256:
        raise RunError(f"{output}: expected the data set of this run, received {dataset.name}")
    best = best_epoch(history)
    phases = [phase for phase in list_phases(origin.config) if phase.first < best and not phase.is_exact]
    model = compile_model(origin.config, dataset, phases[-1])
    model.load_weights(checkpoint.path(best))
    return Run(model, best, history, origin.held_out, origin.git_commit)


def compile_model(config: TrainConfig, dataset: Dataset, phase: Phase | None = None) -> ConvolutionalVAE:
    """Return a model ready to fit, with fresh weights.

    Args:
        config: Of the run.
        dataset: Gives the picture's shape and the number of steps.
        phase: Of the run; None: the first.

    Returns:
        A built model with a built optimizer.

    Raises:
        RunError: There are too many labels for `mixture_after`.
    """
    groups = find_groups(dataset.train, conditional=config.conditional)
    components = place_components(groups, config.latent_dim) if config.mixture_after else None
    if components is not None and not len(components):
        raise RunError(
            f"mixture_after: expected a Gaussian of {config.latent_dim} dimensions for each label in at most "
            f"{MOST_NUMBERS:,} numbers, received {len(dataset.labels)} labels"
        )
    model = ConvolutionalVAE(config, dataset.shape, len(dataset.labels), components)
    model.build((None, *dataset.shape))
    _set_optimizer(model, dataset, phase or list_phases(config)[0])
    return model


def _set_optimizer(model: ConvolutionalVAE, dataset: Dataset, phase: Phase) -> None:
    steps = (phase.schedule or phase.epochs) * steps_per_epoch(dataset.train, phase.config)
    model.is_exact, model.is_mixed = phase.is_exact, phase.is_mixed
    model.kl_warmup_steps = 0 if phase.is_exact else min(phase.config.kl_warmup_steps, steps // 2)
    model.compile(optimizer=make_optimizer(phase.config, steps))
    model.optimizer.build(model.trainable_variables)


class Reseed(keras.callbacks.Callback):
    """Sets the model's random layers at the start of each epoch; see `ConvolutionalVAE.reseed`."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Reseed for this epoch."""
        self.model.reseed(epoch)


def _check_labels(config: TrainConfig, dataset: Dataset) -> None:
    if config.conditional and len(dataset.labels) < 2:
        raise RunError("conditional: expected images of at least two labels, received those of one")
    unknown = sorted(set(dataset.test.label.tolist()) - set(dataset.labels.tolist()))
    if config.conditional and unknown:
        raise RunError(
            f"conditional: expected test images with labels of training images, found some of {unknown} too"
        )
