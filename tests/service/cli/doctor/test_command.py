"""`cvae doctor`: what it says, and its status."""

from __future__ import annotations

import json

from tests.service import fake
from tests.service.cli.commands import Cvae


def test_doctor_finds_a_sound_bundle_sound(local: Cvae) -> None:
    text = local.check("doctor").decode()
    assert "CVAE_PROVIDER=auto runs on CPUExecutionProvider\n" in text
    assert text.count("checksums agree") == 2
    assert text.endswith("all is well\n")


def test_doctor_says_what_auto_would_take(local: Cvae) -> None:
    text = local.run("doctor", CVAE_PROVIDER="cpu").stdout
    assert "CVAE_PROVIDER=cpu runs on CPUExecutionProvider; auto would run on CPUExecutionProvider\n" in text


def test_doctor_says_what_is_wrong(local: Cvae) -> None:
    bundle = fake.write_bundle(local.folder / "mine")
    (bundle / "decoder.onnx").write_bytes(b"junk")
    result = local.run("doctor", str(bundle), str(local.models / "fake"), "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["well"] is False
    first, second = found["bundles"]
    assert "sha256" in first["fault"]
    assert second["fault"] is None
    assert set(second["decoder_ms"]) == {"1", "32"}
    assert "expected a folder with at least one" in local.refuse(1, "doctor", CVAE_MODELS_DIR="nowhere")


def test_doctor_says_that_a_provider_is_missing(local: Cvae) -> None:
    result = local.run("doctor", CVAE_PROVIDER="tensorrt")
    assert result.exit_code == 1
    assert "CVAE_PROVIDER: expected one of auto, cpu, received tensorrt" in result.stdout
    assert "a service would not start" in result.stdout


def test_doctor_takes_the_folder_of_the_bundles(local: Cvae) -> None:
    other = fake.write_bundle(local.folder / "other")
    found = json.loads(local.check("doctor", str(local.models), str(other), "--json"))
    names = [bundle["name"] for bundle in found["bundles"]]
    assert names == ["fake", "labelled", "other"]


def test_a_folder_without_bundles_is_a_fault(local: Cvae) -> None:
    (local.folder / "empty").mkdir()
    result = local.run("doctor", "empty")
    assert result.exit_code == 1
    assert "empty/model.json: expected a manifest, cannot read it" in result.stdout
