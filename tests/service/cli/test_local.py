"""Bundles that run in this process."""

from __future__ import annotations

import json

import pytest

from tests.service import fake
from tests.service.cli.commands import Cvae


def test_a_bundle_is_run_by_its_folder(local: Cvae, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = fake.write_bundle(local.folder / "other" / "mine")
    assert json.loads(local.check("decode", "1,2", "--bundle", str(bundle)))["model"] == "mine"
    monkeypatch.chdir(bundle)
    assert json.loads(local.check("decode", "1,2", "--bundle", "."))["model"] == "mine"
    assert len(local.check("models", "--bundle", ".").decode().splitlines()) == 2
    assert "expected a bundle" in local.refuse(1, "decode", "1,2", "--bundle", "nowhere")
    (bundle / "decoder.onnx").write_bytes(b"junk")
    assert "sha256" in local.refuse(1, "decode", "1,2", "--bundle", ".")


def test_the_models_that_there_are_are_named(local: Cvae) -> None:
    there = "expected one of fake, labelled, received 'typo'"
    assert f"model: {there}" in local.refuse(1, "decode", "1,2", "--model", "typo")
    assert f"CVAE_DEFAULT_MODEL: {there}" in local.refuse(1, "decode", "1,2", CVAE_DEFAULT_MODEL="typo")


def test_settings_hold_for_local_bundles(local: Cvae) -> None:
    assert "at most 4 in one request" in local.refuse(1, "sample", "-n", "5", CVAE_MAX_REQUEST_ROWS="4")
    assert "CVAE_WORKERS" in local.refuse(1, "sample", CVAE_WORKERS="none")
    assert "CVAE_WORKERS" in local.refuse(1, "doctor", CVAE_WORKERS="none")
    result = local.run("decode", "1,2", "--label", "3", CVAE_DEFAULT_MODEL="labelled")
    assert json.loads(result.stdout)["model"] == "labelled"
