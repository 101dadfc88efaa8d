"""Train the classifier that judges what models draw: a network trained apart from all of them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.config import TrainingError
from training.data import image_spec
from training.data.datasets import HELD_OUT, Dataset, Split, scale

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Tensor = Any

FEATURES = 128
EPOCHS, BATCH, LEARNING_RATE = 12, 128, 2e-3
# Turned by up to 11 degrees, moved by up to 8% and grown or shrunk by up to 10%: a digit stays what it is.
TURN, MOVE, ZOOM = 11 / 360, 0.08, 0.1
WEIGHTS_FILE, IDENTITY_FILE = "classifier.weights.h5", "classifier.json"


class ClassifierError(TrainingError):
    """A folder holds no classifier of this data set, or it has one class."""


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Attributes:
        model: From `x` to `logits` `(batch, labels)` and `features` `(batch, 128)`.
        labels: What each logit stands for.
    """

    model: keras.Model
    labels: Labels

    def judge(self, x: Floats) -> tuple[Floats, Floats]:
        """Classify images.

        Args:
            x: `(n, height, width, channels)` float32 in [0, 1].

        Returns:
            The probability of each label, `(n, labels)`, and the features that they are computed from,
            `(n, 128)`, float32.
        """
        parts = [self.model(x[i : i + 500], training=False) for i in range(0, len(x), 500)]
        logits = np.concatenate([np.asarray(part["logits"]) for part in parts])
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        features = np.concatenate([np.asarray(part["features"]) for part in parts])
        return odds / odds.sum(axis=1, keepdims=True), features

    def measure_accuracy(self, split: Split) -> float:
        """Return the share of a split that it classifies correctly, in [0, 1]."""
        probabilities, _ = self.judge(scale(split.x))
        return float((self.labels[probabilities.argmax(axis=1)] == split.label).mean())


def build_classifier(shape: tuple[int, int, int], labels: int, seed: int, ground: float = 0.0) -> keras.Model:
    """Return an untrained network.

    Four 3 x 3 convolutions, two of which halve the picture, and two dense layers. While training, images are
    turned, moved and zoomed, and half of the features dropped.

    Args:
        shape: Height, width and channels of an image.
        labels: How many there are.
        seed: Of the random layers.
        ground: What shows where a moved image was not, in [0, 1].

    Returns:
        A model from `x` to `logits` and `features`, as `Classifier` has it.
    """
    x = h = keras.Input(shape, name="x")
    fill = {"fill_mode": "constant", "fill_value": ground}
    h = layers.RandomRotation(TURN, seed=seed, **fill)(h)
    h = layers.RandomTranslation(MOVE, MOVE, seed=seed + 1, **fill)(h)
    h = layers.RandomZoom(ZOOM, seed=seed + 2, **fill)(h)
    for filters, strides in ((32, 1), (48, 2), (64, 1), (96, 2)):
        h = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(h)
        h = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(h))
    features = layers.Dense(FEATURES, activation="relu", name="features")(layers.Flatten()(h))
    logits = layers.Dense(labels, name="logits")(layers.Dropout(0.5, seed=seed + 3)(features))
    return keras.Model(x, {"logits": logits, "features": features}, name="classifier")


def train_classifier(
    dataset: Dataset, output: pathlib.Path, *, seed: int = 0, epochs: int = EPOCHS, verbose: int = 1
) -> Classifier:
    """Train a classifier and keep it, or return the one that a folder holds.

    Args:
        dataset: Its train split is fitted, its validation split chooses the epoch; test is not touched.
        output: Folder of the classifier; made if missing.
        seed: Of the weights, the order of the images and the random layers.
        epochs: Passes over the training split.
        verbose: As in `keras.Model.fit`.

    Returns:
        The classifier, with the weights of its best epoch.

    Raises:
        ClassifierError: The folder holds one of another data set, seed or number of epochs; or there is
            nothing to tell apart.
    """
    if len(dataset.labels) < 2:
        raise ClassifierError(
            f"{dataset.name}: expected images of at least two classes, received those of one"
        )
    light = image_spec.describe_image(dataset.train.x)["polarity"] == "light-on-dark"
    ground = 0.0 if light else 1.0
    identity = {
        "dataset_sha256": dataset.sha256,
        "held_out": HELD_OUT,
        "ground": ground,
        "seed": seed,
        "epochs": epochs,
    }
    keras.utils.set_random_seed(seed)
    model = build_classifier(dataset.shape, len(dataset.labels), seed, ground)
    fitted = keras.Model(model.input, model.output["logits"])
    if not _holds(output, identity):
        _fit(fitted, dataset, output, epochs, verbose)
        (output / IDENTITY_FILE).write_text(json.dumps(identity, indent=1) + "\n")
    fitted.load_weights(output / WEIGHTS_FILE)
    return Classifier(model, dataset.labels)


def _holds(output: pathlib.Path, identity: dict[str, Any]) -> bool:
    path = output / IDENTITY_FILE
    if not path.is_file():
        return False
    held = json.loads(path.read_text())
    if held != identity:
        raise ClassifierError(f"{output}: expected a classifier of {identity}, found one of {held}")
    return True


def _fit(model: keras.Model, dataset: Dataset, output: pathlib.Path, epochs: int, verbose: int) -> None:
    output.mkdir(parents=True, exist_ok=True)
    steps = epochs * -(-len(dataset.train) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.01)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    best = keras.callbacks.ModelCheckpoint(
        str(output / WEIGHTS_FILE), "val_loss", save_best_only=True, save_weights_only=True
    )
    pairs = [
        (scale(part.x), np.searchsorted(dataset.labels, part.label))
        for part in (dataset.train, dataset.validation)
    ]
    model.fit(*pairs[0], BATCH, epochs, verbose=verbose, callbacks=[best], validation_data=pairs[1])
