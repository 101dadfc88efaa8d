from __future__ import annotations

import functools
import json
import pathlib
import shutil

import numpy as np
import pytest

from training.bundles import model_card
from training.bundles.manifest import read_manifest
from training.cli.main import FAILED, main
from training.evaluation import classifier
from training.reports import generation_quality, projector


def test_judge_writes_what_it_says(
    bundle_folder: pathlib.Path,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = str(shutil.copytree(bundle_folder, tmp_path / "digits"))
    monkeypatch.setattr(classifier, "train_classifier", lambda dataset, output, **_: (dataset.name, output))
    monkeypatch.setattr(generation_quality, "judge_bundle", lambda *given: {"by": str(given[2])})
    monkeypatch.setattr(model_card, "write_card", lambda _: "")
    options = ["judge", folder, "--data", str(digits_file), "--classifier", "runs/some"]
    assert main(options) == 0
    expected = {"by": str(("digits", pathlib.Path("runs/some")))}
    assert json.loads(capsys.readouterr().out) == {folder: expected}
    assert "generation" not in read_manifest(pathlib.Path(folder))["metrics"]
    assert main([*options, "--update"]) == 0
    assert read_manifest(pathlib.Path(folder))["metrics"]["generation"] == expected
    assert main(["judge", "nowhere", *options[2:]]) == FAILED
    assert "nowhere: expected a folder that is there" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "lines"), [((), True), (("--quiet",), False)])
def test_what_is_piped_is_json_and_how_far_it_is_goes_beside_it(
    options: tuple[str, ...],
    lines: bool,
    bundle_folder: pathlib.Path,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = classifier.train_classifier
    monkeypatch.setattr(classifier, "train_classifier", functools.partial(train, epochs=1))
    monkeypatch.setattr(generation_quality, "CLASS_DRAWS", 10)
    monkeypatch.setattr(generation_quality, "PRIOR_DRAWS", 100)
    where = ["--data", str(digits_file), "--classifier", str(tmp_path / "classifier")]
    assert main(["judge", str(bundle_folder), *where, *options]) == 0
    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {str(bundle_folder)}
    assert ("val_accuracy" in said.err) == lines
    assert not {"\b", "\r", "\x1b"} & set(said.err)


def test_project_lays_out_a_run_and_its_bundle_alike(
    digits_file: pathlib.Path,
    run_folder: pathlib.Path,
    bundle_folder: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, folder in (("run", run_folder), ("bundle", bundle_folder)):
        output = str(tmp_path / name)
        assert main(["project", str(folder), "--data", str(digits_file), "--output", output]) == 0
        assert capsys.readouterr().err == f"{output}: 200 of 200 images\n"
    run, bundle = (np.loadtxt(tmp_path / name / "tensors.tsv", np.float32) for name in ("run", "bundle"))
    atlas = np.load(bundle_folder / "atlas.npz")
    assert np.array_equal(bundle[:, :2], atlas["z_mean"])
    assert run == pytest.approx(bundle, abs=1e-5)
    assert np.array_equal(np.loadtxt(tmp_path / "run" / "metadata.tsv"), atlas["label"])
    monkeypatch.setattr(projector, "SHEET_LIMIT", 50)
    options = ["--data", str(digits_file), "--output", str(tmp_path / "few"), "--split", "validation"]
    assert main(["project", str(bundle_folder), *options]) == 0
    assert "few: 36 of 50 images, the first that its sheet" in capsys.readouterr().err
