from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.bundles.manifest import version_of
from service.bundles.reader import read_bundle
from service.core.errors import BundleError
from tests.service.fake import sign, write_bundle


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "fake")


def edit(folder: pathlib.Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    change(manifest)
    sign(folder, manifest)


def replace_arrays(folder: pathlib.Path, name: str, **changes: Any) -> None:
    with np.load(folder / f"{name}.npz") as archive:
        arrays = {key: archive[key] for key in archive.files}
    arrays |= changes
    np.savez(folder / f"{name}.npz", **{k: v for k, v in arrays.items() if v is not None})
    digest = hashlib.sha256((folder / f"{name}.npz").read_bytes()).hexdigest()
    edit(folder, lambda m: m[name].update(sha256=digest))


def test_reads_what_was_written(folder: pathlib.Path) -> None:
    bundle = read_bundle(folder)
    assert bundle.manifest.name == "fake"
    assert bundle.manifest.image.shape == (28, 28, 1)
    assert bundle.decoder == (folder / "decoder.onnx").read_bytes()
    assert bundle.atlas["label"].tolist() == [0, 1, 1]


def test_the_version_follows_the_content_alone(folder: pathlib.Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    for free in ("metrics", "training", "created", "git_commit", "producer", "dataset"):
        assert version_of({**manifest, free: "else"}) == manifest["version"]
    for bound in ("latent_dim", "classes", "image", "name"):
        assert version_of({**manifest, bound: "else"}) != manifest["version"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(extra=1), "extra: expected no field of this name, found 1"),
        (lambda m: m.update(name="other"), "name: expected 'fake' as its folder, found 'other'"),
        (
            lambda m: m.update(name="../evil"),
            "name: expected a string that matches pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$', found '../evil'",
        ),
        (lambda m: m.update(format_version=3), "format_version: expected 1 or 2, found 3"),
        (
            lambda m: m.update(prior={"distribution": "mixture", "file": "prior.npz", "sha256": "0" * 64}),
            "format_version: expected 2, as the prior is a mixture, found 1",
        ),
        (
            lambda m: m.update(format_version=2, prior={"distribution": "cauchy"}),
            "prior: expected 'distribution' to be one of 'normal', 'mixture', found {'distribution': 'ca",
        ),
        (
            lambda m: m.update(format_version=2, prior={"distribution": "mixture"}),
            "prior: mixture: file: expected this field, found none (faults in all: 2)",
        ),
        (lambda m: m.update(latent_dim=3), "encoder: expected inputs and outputs"),
        (lambda m: m["image"].update(channels=2), "image: channels"),
        (lambda m: m["image"].update(range=[0, 255]), "image: range"),
        (
            lambda m: m["image"].update(polarity="red"),
            "image: polarity: expected 'light-on-dark' or 'dark-on-light', found 'red'",
        ),
        (
            lambda m: m["image"].update(fit={"method": "crop"}),
            "fit: expected 'method' to be one of 'contain', 'centre-of-mass', found {'method': 'crop'}",
        ),
        (lambda m: m["image"].update(fit="contain"), "image: fit: expected an object, found 'contain'"),
        (lambda m: m.update(classes={"0": 5}), "classes: expected a list, found {'0': 5}"),
        (lambda m: m.update(producer={"torch": 2}), "producer: torch: expected a valid string, found 2"),
        (
            lambda m: (
                m["decoder"]["inputs"].append({**m["decoder"]["inputs"][0], "name": "label"})
                or m.update(classes=[])
            ),
            "classes: expected an entry for each label that the decoder takes, found none",
        ),
        (lambda m: m["decoder"]["outputs"][0].update(name="x"), "decoder: expected inputs and outputs"),
        (lambda m: m["decoder"]["inputs"][0].update(shape=[1, 2]), "decoder: expected inputs and outputs"),
        (lambda m: m["decoder"].update(file="../decoder.onnx"), "decoder: file"),
        (lambda m: m["encoder"].update(sha256="0" * 64), "sha256: expected 0000"),
        (lambda m: m["classes"][0].update(z_mean=[1.0]), "label 0: expected z_mean"),
        (lambda m: m["classes"][0].update(label=9), "expected rising labels"),
        (
            lambda m: m["classes"][0].update(
                components=[{"weight": 1.0, "z_mean": [0.0], "stddev": [1.0, 1.0]}]
            ),
            "label 0: components: expected z_mean and stddev (2,)",
        ),
        (lambda m: m["prior"].update(stddev=2), "prior: normal: stddev: expected 1, found 2"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    folder: pathlib.Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    edit(folder, change)
    with pytest.raises(BundleError, match=r"(model\.json|encoder\.onnx): ") as caught:
        read_bundle(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_service_does_not_act_on_may_be_empty(folder: pathlib.Path) -> None:
    edit(folder, lambda m: m.update(training={}, metrics={}, dataset={}, producer={}, classes=[]))
    assert read_bundle(folder).manifest.classes == ()


def test_a_manifest_without_a_field_is_refused(folder: pathlib.Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    del manifest["prior"]
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"prior: expected this field, found none \(faults in all: 1\)"):
        read_bundle(folder)


def test_a_manifest_changed_after_signing_is_refused(folder: pathlib.Path) -> None:
    text = (folder / "model.json").read_text().replace('"count": 5', '"count": 6', 1)
    (folder / "model.json").write_text(text)
    with pytest.raises(BundleError, match=r"version: expected [0-9a-f]{12} as its content says"):
        read_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_what_is_no_manifest_is_refused(folder: pathlib.Path, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.json"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx", "golden.npz", "atlas.npz"])
def test_a_file_that_is_missing_or_changed_is_named(folder: pathlib.Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1])
    with pytest.raises(BundleError, match=f"{name}: sha256: expected [0-9a-f]+, found"):
        read_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: expected this file"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("golden", {"x": None}),
        ("golden", {"x": np.zeros((3, 28, 28), np.float32)}),
        ("golden", {"z": np.zeros((3, 2))}),
        ("golden", {"z_mean": np.zeros((2, 2), np.float32)}),
        ("golden", {"z": np.zeros((0, 2), np.float32), "image": np.zeros((0, 28, 28, 1), np.float32)}),
        ("atlas", {"label": np.zeros(2, np.int64)}),
        ("golden", {"x": np.float32(0)}),
        ("atlas", {"label": np.zeros(3, np.float32)}),
        ("atlas", {"z_mean": np.float32(0)}),
    ],
)
def test_arrays_that_do_not_fit_are_refused(folder: pathlib.Path, name: str, changes: dict[str, Any]) -> None:
    replace_arrays(folder, name, **changes)
    with pytest.raises(BundleError, match=rf"{name}\.npz: .*expected"):
        read_bundle(folder)


@pytest.mark.parametrize(("name", "value"), [("x", -1), ("x", 255), ("image", 1.5)])
def test_golden_pixels_outside_their_range_are_refused(folder: pathlib.Path, name: str, value: float) -> None:
    with np.load(folder / "golden.npz") as golden:
        pixels = golden[name]
    pixels[0, 0, 0, 0] = value
    replace_arrays(folder, "golden", **{name: pixels})
    with pytest.raises(
        BundleError, match=rf"golden\.npz: {name}: expected values in \[0, 1\], found .*{value}"
    ):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["x", "z_mean", "z_log_var", "z", "image"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_golden_numbers_are_finite(folder: pathlib.Path, name: str, value: float) -> None:
    with np.load(folder / "golden.npz") as golden:
        array = golden[name]
    array.flat[-1] = value
    replace_arrays(folder, "golden", **{name: array})
    with pytest.raises(BundleError, match=rf"golden\.npz: {name}: expected finite numbers, found nan or inf"):
        read_bundle(folder)


def test_an_array_that_lacks_is_seen_among_those_found(folder: pathlib.Path) -> None:
    replace_arrays(folder, "atlas", label=None)
    with pytest.raises(BundleError, match=r"expected the arrays z_mean, label, found z_mean$"):
        read_bundle(folder)


def test_a_single_array_in_the_place_of_several_is_refused(folder: pathlib.Path) -> None:
    with (folder / "atlas.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    digest = hashlib.sha256((folder / "atlas.npz").read_bytes()).hexdigest()
    edit(folder, lambda m: m["atlas"].update(sha256=digest))
    with pytest.raises(BundleError, match=r"expected the arrays z_mean, label: File is not a zip file"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["model.json", "encoder.onnx", "decoder.onnx", "golden.npz", "atlas.npz"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(folder: pathlib.Path, name: str, kind: str) -> None:
    replace(folder / name, kind)
    with pytest.raises(BundleError, match=rf"{name}: expected .*, cannot read it: it is not a regular file"):
        read_bundle(folder)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_card_that_is_no_file_is_none(folder: pathlib.Path, kind: str) -> None:
    replace(folder / "README.md", kind)
    assert read_bundle(folder).card is None


def test_links_are_followed(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for path in list(folder.iterdir()):
        (folder / path.name).rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    assert read_bundle(folder).card == "# A fake\n"


def replace(path: pathlib.Path, kind: str) -> None:
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
