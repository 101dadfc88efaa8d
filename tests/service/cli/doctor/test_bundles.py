"""What `cvae doctor` finds of a bundle."""

from __future__ import annotations

import hashlib
import itertools
import json
import pathlib
from typing import Any

import numpy as np
import pytest

from service.cli.doctor.bundles import describe_bundle, examine_bundle
from service.core.errors import StartupError
from service.core.settings import Settings
from service.inference.registry import Registry
from tests.service import fake


def test_a_sound_bundle_is_measured(tmp_path: pathlib.Path) -> None:
    bundle = fake.write_bundle(tmp_path / "sound", conditional=True)
    ticks = itertools.count()
    found = examine_bundle(bundle, Settings(), clock=lambda: next(ticks) / 4)
    assert found.fault is None
    assert (found.name, found.provider, found.files) == ("sound", "CPUExecutionProvider", 4)
    assert found.golden_difference is not None
    assert 0 <= found.golden_difference < 1e-6
    assert found.decoder_ms == found.encoder_ms == {1: 250.0, 32: 250.0}
    assert "decoder      250.00 ms for 1, 250.00 ms for 32" in describe_bundle(found)


def test_a_wrong_checksum_is_found_first(tmp_path: pathlib.Path) -> None:
    bundle = fake.write_bundle(tmp_path / "broken")
    (bundle / "atlas.npz").write_bytes(b"")
    found = examine_bundle(bundle, Settings())
    assert "atlas.npz: sha256" in (found.fault or "")
    assert found.name is None
    (line,) = describe_bundle(found)
    assert line.startswith("FAULT ")


def test_golden_vectors_that_do_not_come_back_are_found(tmp_path: pathlib.Path) -> None:
    bundle = fake.write_bundle(tmp_path / "drifted")
    with np.load(bundle / "golden.npz") as archive:
        arrays: dict[str, Any] = dict(archive)
    np.savez(bundle / "golden.npz", **(arrays | {"image": 1 - arrays["image"]}))
    manifest = json.loads((bundle / "model.json").read_text())
    manifest["golden"]["sha256"] = hashlib.sha256((bundle / "golden.npz").read_bytes()).hexdigest()
    fake.sign(bundle, manifest)
    found = examine_bundle(bundle, Settings())
    assert "golden image: expected values within" in (found.fault or "")
    assert found.name == "drifted"
    assert describe_bundle(found)[0].startswith("files        4 checksums agree")


def make_indefinite(folder: pathlib.Path) -> pathlib.Path:
    classes = [{"label": 3, "z_mean": [0, 0], "covariance": [[1, 2], [2, 1]], "count": 5}]
    return fake.write_bundle(folder / "indefinite", classes=classes)


def make_link(folder: pathlib.Path) -> pathlib.Path:
    link = folder / "other"
    link.symlink_to(fake.write_bundle(folder.with_name("elsewhere") / "fake"))
    return link


def make_hole(folder: pathlib.Path) -> pathlib.Path:
    bundle = fake.write_bundle(folder / "hole")
    np.savez(bundle / "atlas.npz", z_mean=np.array([[0, np.nan]], np.float32), label=np.zeros(1, np.int64))
    manifest = json.loads((bundle / "model.json").read_text())
    manifest["atlas"]["sha256"] = hashlib.sha256((bundle / "atlas.npz").read_bytes()).hexdigest()
    fake.sign(bundle, manifest)
    return bundle


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_indefinite, "indefinite: classes: label 3: covariance: expected no eigenvalue below 0"),
        (make_link, "name: expected 'other' as its folder, found 'fake'"),
        (make_hole, "atlas.npz: z_mean: expected finite numbers, found nan or inf"),
    ],
)
def test_what_the_service_refuses_the_doctor_finds_in_the_same_words(
    make: Any, says: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "models").mkdir()
    bundle = make(tmp_path / "models")
    found = examine_bundle(bundle, Settings())
    assert says in (found.fault or "")
    with pytest.raises(StartupError) as refused:
        Registry(Settings(models_dir=bundle.parent)).start()
    assert str(refused.value) == found.fault


def test_a_folder_without_a_name_has_that_of_its_place(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fake.write_bundle(tmp_path / "sound"))
    (tmp_path / "sound" / "plots").mkdir()
    assert examine_bundle(pathlib.Path(), Settings()).fault is None
    monkeypatch.chdir("plots")
    assert examine_bundle(pathlib.Path(".."), Settings()).fault is None
