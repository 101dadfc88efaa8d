"""What `cvae doctor` finds of a bundle."""

from __future__ import annotations

import hashlib
import itertools
import json
import pathlib
from typing import Any

import numpy as np

from service.cli.doctor.bundles import describe_bundle, examine_bundle
from service.core.settings import Settings
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
