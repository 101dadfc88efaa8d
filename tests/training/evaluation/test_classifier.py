from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, NoReturn

import keras
import numpy as np
import pytest

from tests.training import small
from training.data.datasets import Dataset, scale
from training.evaluation.classifier import Classifier, ClassifierError, build_classifier, train_classifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("classifier")


@pytest.fixture(scope="module")
def classifier(digits: Dataset, folder: pathlib.Path) -> Classifier:
    return train_classifier(digits, folder, epochs=12, verbose=0)


def test_it_learns_to_tell_digits_apart(classifier: Classifier, digits: Dataset) -> None:
    # 550 images of 8 x 8 to learn from; chance is 0.1.
    assert classifier.measure_accuracy(digits.test) > 0.75


def test_probabilities_and_features_agree_with_the_network(classifier: Classifier, digits: Dataset) -> None:
    x = scale(digits.test.x[:7])
    probabilities, features = classifier.judge(x)
    assert (probabilities.shape, features.shape) == ((7, 10), (7, 128))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    layer = classifier.model.get_layer("logits")
    logits = features @ np.asarray(layer.kernel) + np.asarray(layer.bias)
    np.testing.assert_allclose(probabilities, np.asarray(keras.ops.softmax(logits)), atol=1e-5)


def test_what_is_judged_does_not_depend_on_its_neighbours(classifier: Classifier, digits: Dataset) -> None:
    x = scale(digits.test.x[:20])
    np.testing.assert_allclose(classifier.judge(x)[0][3:4], classifier.judge(x[3:4])[0], atol=1e-5)


def test_a_trained_one_is_looked_up(classifier: Classifier, digits: Dataset, folder: pathlib.Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = train_classifier(digits, folder, epochs=12, verbose=0)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    x = scale(digits.test.x[:50])
    np.testing.assert_array_equal(again.judge(x)[0], classifier.judge(x)[0])


def test_one_of_another_data_set_is_refused(
    classifier: Classifier, digits: Dataset, folder: pathlib.Path
) -> None:
    assert classifier.labels.tolist() == list(range(10))
    other = dataclasses.replace(digits, sha256="0" * 64)
    with pytest.raises(ClassifierError, match=f"expected a classifier of .*{'0' * 64}.*found one of"):
        train_classifier(other, folder, epochs=12, verbose=0)


def test_one_class_is_nothing_to_tell_apart(tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    content |= {name: np.zeros_like(content[name]) for name in ("y_train", "y_test")}
    with pytest.raises(
        ClassifierError, match="expected images of at least two classes, received those of one"
    ):
        train_classifier(small.from_arrays(content), tmp_path / "classifier", verbose=0)
    assert not (tmp_path / "classifier").exists()


def test_where_a_dark_picture_moves_away_its_ground_shows() -> None:
    white = np.ones((200, 12, 12, 1), np.float32)
    model = build_classifier((12, 12, 1), 2, seed=0, ground=1.0)
    moved = white
    for kind in ("random_rotation", "random_translation", "random_zoom"):
        layer = next(layer for layer in model.layers if layer.name.startswith(kind))
        moved = layer(moved, training=True)
    np.testing.assert_allclose(np.asarray(moved), white, atol=1e-5)


def test_dark_on_light_images_are_known_by_their_border(
    digits: Dataset, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grounds: list[float] = []

    class BuiltError(Exception):
        """There is no need to train it."""

    def note(*given: Any) -> NoReturn:
        grounds.append(given[3])
        raise BuiltError

    monkeypatch.setattr("training.evaluation.classifier.build_classifier", note)
    inverted = {
        name: dataclasses.replace(getattr(digits, name), x=255 - getattr(digits, name).x)
        for name in ("train", "validation", "test")
    }
    dark = dataclasses.replace(digits, sha256="1" * 64, **inverted)
    for name, dataset in (("light", digits), ("dark", dark)):
        with pytest.raises(BuiltError):
            train_classifier(dataset, tmp_path / name, epochs=1, verbose=0)
    assert grounds == [0.0, 1.0]


def test_any_shape_of_picture_fits() -> None:
    model = build_classifier((9, 13, 3), 4, seed=0)
    outputs = model(np.zeros((2, 9, 13, 3), np.float32))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "logits": (2, 4),
        "features": (2, 128),
    }
