from __future__ import annotations

import pathlib

import onnxruntime
import pytest

from service.core.errors import BundleError, NotFoundError, NotReadyError
from service.core.settings import Settings
from service.inference import cuda
from service.inference.registry import Registry
from tests.service.fake import write_bundle


@pytest.fixture
def models(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("one", "two"):
        write_bundle(tmp_path / name)
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_serves_every_bundle_by_name(models: pathlib.Path) -> None:
    registry = Registry(Settings(models_dir=models))
    registry.start()
    assert [engine.manifest.name for engine in registry] == ["one", "two"]
    assert registry.get().manifest.name == "one"
    assert registry.get("two").manifest.name == "two"
    with pytest.raises(NotFoundError, match="model: expected one of one, two, received 'three'"):
        registry.get("three")
    with pytest.raises(NotFoundError, match="received ''"):
        registry.get("")


def test_numbers_in_names_count_as_numbers(tmp_path: pathlib.Path) -> None:
    for name in ("m-16d", "m-2d", "m-16d-b", "7", "m"):
        write_bundle(tmp_path / name)
    registry = Registry(Settings(models_dir=tmp_path))
    registry.start()
    assert [engine.manifest.name for engine in registry] == ["7", "m", "m-2d", "m-16d", "m-16d-b"]
    assert registry.default == "7"


def test_the_default_is_the_operators_choice(models: pathlib.Path) -> None:
    registry = Registry(Settings(models_dir=models, default_model="two"))
    registry.start()
    assert registry.get().manifest.name == "two"
    with pytest.raises(BundleError, match="CVAE_DEFAULT_MODEL: expected one of one, two, received 'x'"):
        Registry(Settings(models_dir=models, default_model="x")).start()


@pytest.mark.parametrize("client_ms", [None, 1, 999, 1000, 1001, 10**9])
def test_a_client_shortens_the_deadline_and_never_extends_it(
    models: pathlib.Path, monkeypatch: pytest.MonkeyPatch, client_ms: float | None
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 50.0)
    call = Registry(Settings(models_dir=models, deadline_ms=1000)).open_call(client_ms)
    assert call.deadline == 50 + min(1000, 10**9 if client_ms is None else client_ms) / 1000


def test_while_it_drains_it_is_not_ready_and_answers(models: pathlib.Path) -> None:
    registry = Registry(Settings(models_dir=models))
    registry.start()
    registry.drain()
    assert not registry.ready
    registry.check("decoder")
    registry.close()


def test_a_new_bundle_does_not_become_the_default(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("mine", "mnist-2d"):
        write_bundle(tmp_path / name)
    registry = Registry(Settings(models_dir=tmp_path))
    registry.start()
    assert (registry.default, registry.falls_back) == ("mnist-2d", False)
    assert "requests that name no model" not in caplog.text


def test_without_the_usual_default_it_is_the_first_by_name_and_that_is_logged(
    models: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(Settings(models_dir=models))
    registry.start()
    assert (registry.default, registry.falls_back) == ("one", True)
    assert "requests that name no model are answered by one, the first by name" in caplog.text


def test_a_default_that_was_asked_for_must_be_there(
    models: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVAE_DEFAULT_MODEL", "mnist-2d")
    with pytest.raises(
        BundleError, match="CVAE_DEFAULT_MODEL: expected one of one, two, received 'mnist-2d'"
    ):
        Registry(Settings(models_dir=models)).start()
    monkeypatch.setenv("CVAE_DEFAULT_MODEL", "")
    Registry(Settings(models_dir=models)).start()


def test_is_ready_from_start_to_close(models: pathlib.Path) -> None:
    registry = Registry(Settings(models_dir=models))
    assert not registry.ready
    with pytest.raises(NotReadyError):
        registry.get()
    registry.start()
    assert registry.ready
    registry.close()
    assert not registry.ready
    assert registry.get()


def test_one_bad_bundle_stops_the_start(models: pathlib.Path) -> None:
    (models / "two" / "decoder.onnx").write_bytes(b"junk")
    registry = Registry(Settings(models_dir=models))
    with pytest.raises(BundleError, match=r"two/decoder\.onnx: sha256"):
        registry.start()
    assert not registry.ready


def test_a_folder_without_bundles_stops_the_start(tmp_path: pathlib.Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BundleError, match="expected a folder with at least one"):
            Registry(Settings(models_dir=folder)).start()


def test_alone_the_default_model_is_all_there_is(models: pathlib.Path) -> None:
    (models / "one" / "decoder.onnx").write_bytes(b"junk")
    registry = Registry(Settings(models_dir=models, default_model="two"))
    registry.start(alone=True)
    assert [engine.manifest.name for engine in registry] == ["two"]
    assert registry.ready


def test_why_there_is_no_gpu_is_logged_once(
    models: pathlib.Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    monkeypatch.setattr(cuda, "find_fault", lambda: "there is no driver")
    Registry(Settings(models_dir=models, default_model="one")).start()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["CVAE_PROVIDER=auto takes the CPU: there is no driver"]
