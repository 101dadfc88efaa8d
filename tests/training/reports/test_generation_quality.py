from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.linalg import sqrtm  # type: ignore[import-untyped]

from training.bundles.manifest import BundleError, read_manifest
from training.data.datasets import Dataset, Split
from training.evaluation.classifier import Classifier, ClassifierError
from training.evaluation.likelihood import Floats
from training.reports import generation_quality
from training.reports.generation_quality import (
    draw_class,
    draw_prior,
    frechet_distance,
    judge_bundle,
    write_judgement,
)


@dataclasses.dataclass
class Reader:
    """In the place of a network: reads the label off the brightest of the first ten pixels."""

    def __call__(self, x: Floats, training: bool) -> Mapping[str, Floats]:
        assert not training
        flat = x.reshape(len(x), -1)
        return {"logits": 100 * flat[:, :10], "features": flat[:, :10]}


READER = Classifier(Reader(), np.arange(10))


@pytest.fixture
def copy(
    bundle_folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> pathlib.Path:
    # Distances between all pairs of 10,000 take seconds.
    monkeypatch.setattr(generation_quality, "PRIOR_DRAWS", 600)
    monkeypatch.setattr(generation_quality, "CLASS_DRAWS", 60)
    return pathlib.Path(shutil.copytree(bundle_folder, tmp_path / "digits"))


def test_a_class_is_drawn_from_its_components_as_they_weigh() -> None:
    parts = [
        {"weight": 0.75, "z_mean": [5.0, 0.0], "stddev": [0.5, 0.0]},
        {"weight": 0.25, "z_mean": [-5.0, 1.0], "stddev": [0.0, 0.25]},
    ]
    z = draw_class({"label": 3, "z_mean": [0, 0], "covariance": np.eye(2), "components": parts}, 4000)
    first = z[:, 0] > 0
    # Four standard errors over 4,000 draws.
    assert abs(first.mean() - 0.75) < 4 * np.sqrt(0.19 / 4000)
    np.testing.assert_allclose(z[first].std(axis=0), [0.5, 0.0], atol=0.03)
    np.testing.assert_allclose(z[~first].std(axis=0), [0.0, 0.25], atol=0.03)


def test_a_class_without_components_is_drawn_from_its_gaussian() -> None:
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    z = draw_class({"label": 3, "z_mean": [1.0, -2.0], "covariance": covariance}, 4000)
    np.testing.assert_allclose(z.mean(axis=0), [1, -2], atol=4 * np.sqrt(2 / 4000))
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=8 * np.sqrt(2 / 4000))


def test_prior_samples_have_labels_as_often_as_training_has_where_the_model_takes_them() -> None:
    manifest = {
        "latent_dim": 3,
        "decoder": {"inputs": [{"name": "z"}, {"name": "label"}]},
        "classes": [{"label": 2, "count": 300}, {"label": 7, "count": 100}],
    }
    z, label = draw_prior(manifest, 4000)
    assert z.shape == (4000, 3)
    assert set(label.tolist()) == {2, 7}
    assert abs((label == 2).mean() - 0.75) < 4 * np.sqrt(0.19 / 4000)
    plain = {**manifest, "decoder": {"inputs": [{"name": "z"}]}}
    np.testing.assert_array_equal(draw_prior(plain, 4000)[0], z)


def test_the_distance_agrees_with_another_implementation() -> None:
    rng = np.random.RandomState(0)
    one = rng.normal(0, 1, (400, 5)) @ rng.normal(0, 1, (5, 5))
    other = 0.5 + rng.normal(0, 2, (300, 5)) @ rng.normal(0, 1, (5, 5))
    s, t = np.cov(one.T), np.cov(other.T)
    gap = one.mean(axis=0) - other.mean(axis=0)
    expected = gap @ gap + np.trace(s + t - 2 * np.real(sqrtm(s @ t)))
    found = frechet_distance(one.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(other.astype(np.float32), one.astype(np.float32)) == pytest.approx(found)


def test_the_distance_of_a_set_to_itself_is_nothing_features_that_never_vary_too() -> None:
    features = np.random.RandomState(0).normal(0, 1, (100, 6)).astype(np.float32)
    features[:, 2] = 0
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)


def test_a_bundle_is_judged_by_what_it_draws(
    copy: pathlib.Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pictures that show the sign of z[0] as the label 1 or 4, nothing else.
    def open_decoder(*_: object) -> object:
        return lambda z, _: np.eye(10, dtype=np.float32)[np.where(z[:, 0] > 0, 4, 1)]

    monkeypatch.setattr(generation_quality, "open_decoder", open_decoder)
    manifest = read_manifest(copy)
    for entry in manifest["classes"]:
        side = 1.0 if entry["label"] == 4 else -1.0
        entry["components"] = [{"weight": 1.0, "z_mean": [side, 0.0], "stddev": [0.0, 1.0]}]
    (copy / "model.json").write_text(json.dumps(manifest))
    judged = judge_bundle(copy, digits, READER)
    assert judged["class_accuracy"] == {str(d): float(d in (1, 4)) for d in range(10)}
    assert judged["confident_share"] == 1.0
    assert judged["frechet_distance"] > judged["frechet_floor"] > 0
    assert judged["frechet_images"] == judged["manifold_images"] == [600, 200]
    assert judged["training_images"]["frechet_distance"] == judged["frechet_floor"]
    # All pictures are one of two, whose manifold is two points: no test image is among them.
    for drawn in (judged, judged["normal_prior"], judged["classes"]):
        assert drawn["recall"] == 0
    assert judged["training_images"]["precision"] > 0.5
    assert judged["training_images"]["recall"] > 0.5
    assert 0 <= judged["classifier_accuracy"] <= 1


@pytest.mark.parametrize(("told", "share"), [(True, 1.0), (False, 0.1)])
def test_pictures_of_another_label_at_the_same_z_are_judged(
    told: bool, share: float, copy: pathlib.Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One draws the label that it is told, one a 4 whatever it is told.
    def open_decoder(*_: object) -> object:
        return lambda z, label: np.eye(10, dtype=np.float32)[label if told else np.full(len(z), 4)]

    monkeypatch.setattr(generation_quality, "open_decoder", open_decoder)
    manifest = read_manifest(copy)
    manifest["decoder"]["inputs"].append({"name": "label", "shape": [None, 10], "dtype": "float32"})
    (copy / "model.json").write_text(json.dumps(manifest))
    judged = judge_bundle(copy, digits, READER)
    assert judged["restyled_accuracy"] == pytest.approx(share, abs=0.05)
    write_judgement(copy, judged, digits)
    shown = f"another label, {judged['restyled_accuracy']:.1%} of the pictures are taken for"
    assert shown in " ".join((copy / "README.md").read_text().split())


def test_a_judgement_is_kept_beside_the_figures_and_shown_in_the_card(
    copy: pathlib.Path, digits: Dataset
) -> None:
    before = read_manifest(copy)
    judged = judge_bundle(copy, digits, READER)
    write_judgement(copy, judged, digits)
    after = read_manifest(copy)
    assert after == {**before, "metrics": {**before["metrics"], "generation": judged}}
    card = (copy / "README.md").read_text()
    for name, found in (
        ("from the prior", judged),
        ("from N(0, I)", judged["normal_prior"]),
        ("of the classes", judged["classes"]),
        ("training images", judged["training_images"]),
    ):
        numbers = " | ".join(f"{found[key]:.2f}" for key in ("frechet_distance", "precision", "recall"))
        assert f"| {name} | {found['confident_share']:.1%} | {numbers} |" in card
    assert "of 600 pictures and of 200 test images" in card
    assert "by the 3 nearest" in card
    assert "| 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 |" in card


def test_of_one_test_image_there_is_no_distance(copy: pathlib.Path, digits: Dataset) -> None:
    one = dataclasses.replace(digits, test=Split(digits.test.x[:1], digits.test.label[:1]))
    judged = judge_bundle(copy, one, READER)
    assert not [name for name in judged if name.startswith("frechet")]
    write_judgement(copy, judged, one)
    assert "Fréchet" not in (copy / "README.md").read_text()


def test_a_bundle_of_other_labels_or_another_data_set_is_refused(copy: pathlib.Path, digits: Dataset) -> None:
    few = Classifier(Reader(), np.arange(8))
    with pytest.raises(ClassifierError, match=r"expected the labels of the classifier, found \[8, 9\] too"):
        judge_bundle(copy, digits, few)
    other = dataclasses.replace(digits, sha256="0" * 64, name="others")
    with pytest.raises(BundleError, match="expected the data set of this bundle, received others"):
        write_judgement(copy, {}, other)
