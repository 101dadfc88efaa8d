from __future__ import annotations

import hashlib
import pathlib
import shutil
from typing import Any, NoReturn

import numpy as np
import pytest

from tests.training import small
from training.bundles import writer
from training.bundles.manifest import BundleError, read_manifest, version_of
from training.data.datasets import Dataset
from training.evaluation import metrics
from training.fit.loop import Run
from training.fit.origin import find_commit
from training.onnx.export import round_model

FILES = {
    "history.csv",
    "README.md",
    "atlas.npz",
    "decoder.onnx",
    "encoder.onnx",
    "golden.npz",
    "prior.npz",
    "model.json",
    "plots/latent.png",
    "plots/manifold.png",
}


def files(folder: pathlib.Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def copy(bundle_folder: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(bundle_folder, tmp_path / "digits"))


def test_a_bundle_is_whole(bundle_folder: pathlib.Path) -> None:
    assert set(files(bundle_folder)) == FILES
    assert [path.name for path in bundle_folder.parent.iterdir()] == ["digits"]


def test_the_manifest_tells_what_was_trained(bundle_folder: pathlib.Path, run: Run, digits: Dataset) -> None:
    manifest = read_manifest(bundle_folder)
    assert manifest["version"] == version_of(manifest)
    assert manifest["name"] == "digits"
    assert manifest["training"] == {
        **run.model.config.to_dict(),
        "best_epoch": run.best_epoch,
        "git_commit": "a" * 40,
    }
    assert manifest["git_commit"] == find_commit() != "a" * 40
    assert (
        f"Trained by commit `{'a' * 12}`, exported by `{manifest['git_commit'][:12]}`"
        in (bundle_folder / "README.md").read_text()
    )
    assert manifest["dataset"] == {
        "name": "digits",
        "sha256": digits.sha256,
        "split": {"train": 550, "validation": 50, "test": 200},
        "held_out": "stratified, seed 0",
    }
    assert [entry["label"] for entry in manifest["classes"]] == list(range(10))
    assert sum(entry["count"] for entry in manifest["classes"]) == 550
    for name in ("encoder", "decoder", "golden", "atlas"):
        content = (bundle_folder / manifest[name]["file"]).read_bytes()
        assert manifest[name]["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_golden_vectors_are_keras_own(bundle_folder: pathlib.Path, run: Run, digits: Dataset) -> None:
    golden = np.load(bundle_folder / "golden.npz")
    assert {name: golden[name].dtype for name in golden} == dict.fromkeys(golden, np.dtype(np.float32))
    assert np.array_equal(golden["x"], digits.test.x[:8].astype(np.float32) / 255)
    model = round_model(run.model)
    q = model(golden["x"], training=False)
    assert golden["z_mean"] == pytest.approx(np.asarray(q["z_mean"]), abs=1e-5)
    assert golden["z_log_var"] == pytest.approx(np.asarray(q["z_log_var"]), abs=1e-5)
    x_logits = np.asarray(model.decoder(golden["z"]), np.float64)
    assert golden["image"] == pytest.approx(1 / (1 + np.exp(-x_logits)), abs=1e-6)
    assert golden["z"][:5].tolist() == [[0, 0], [-4, -4], [4, -4], [-4, 4], [4, 4]]
    assert len(golden["z"]) == 8


def test_the_atlas_holds_the_test_split(bundle_folder: pathlib.Path, run: Run, digits: Dataset) -> None:
    atlas = np.load(bundle_folder / "atlas.npz")
    assert atlas["label"].dtype == np.int64
    assert np.array_equal(atlas["label"], digits.test.label)
    z_mean = np.asarray(round_model(run.model).infer(digits.test.x.astype(np.float32) / 255)["z_mean"])
    assert atlas["z_mean"] == pytest.approx(z_mean, abs=1e-5)


@pytest.mark.slow
def test_a_bundle_written_again_differs_in_its_date_alone(
    bundle_folder: pathlib.Path, run: Run, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    again = writer.write_bundle(run, digits, tmp_path / "digits")
    first, second = files(bundle_folder), files(tmp_path / "digits")
    del first["model.json"], second["model.json"]
    assert first == second
    assert {**read_manifest(bundle_folder), "created": again["created"]} == again


def test_no_file_names_a_folder_of_this_machine(bundle_folder: pathlib.Path) -> None:
    here = (str(bundle_folder), str(pathlib.Path.home()), str(small.__file__), "/tmp", "/work")
    for name, content in files(bundle_folder).items():
        assert not [path for path in here if path.encode() in content], name


@pytest.mark.slow
def test_a_bundle_that_is_there_is_replaced_by_force_only(
    copy: pathlib.Path, run: Run, digits: Dataset
) -> None:
    (copy / "stray").write_text("")
    before = files(copy)
    with pytest.raises(BundleError, match="is there already; add --force"):
        writer.write_bundle(run, digits, copy)
    assert files(copy) == before
    writer.write_bundle(run, digits, copy, force=True)
    assert set(files(copy)) == FILES
    assert [path.name for path in copy.parent.iterdir()] == ["digits"]


def test_a_bundle_that_cannot_be_finished_leaves_the_old_one(
    copy: pathlib.Path, run: Run, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise OSError("no space left on device")

    before = files(copy)
    monkeypatch.setattr(metrics, "figures", fail)
    with pytest.raises(OSError, match="no space"):
        writer.write_bundle(run, digits, copy, force=True)
    assert files(copy) == before


@pytest.mark.parametrize("name", ["a b", ".hidden", "-x", "ä", ".."])
def test_a_name_that_is_none_is_refused(name: str, run: Run, digits: Dataset, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BundleError, match="expected a name of letters, digits"):
        writer.write_bundle(run, digits, tmp_path / name)
    assert not list(tmp_path.iterdir())
