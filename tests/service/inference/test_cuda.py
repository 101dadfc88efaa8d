from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import onnxruntime
import pytest

from service.inference import cuda

NO_DEVICE = 100


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    cuda.find_fault.cache_clear()
    yield
    cuda.find_fault.cache_clear()


class Driver:
    """What this process sees of NVIDIA's driver."""

    def __init__(self, code: int = 0) -> None:
        self.code = code

    def cuInit(self, _flags: int) -> int:  # noqa: N802
        return self.code

    def cuGetErrorString(self, _code: int, text: Any) -> int:  # noqa: N802
        text._obj.value = b"no CUDA-capable device is detected"
        return 0


def install(monkeypatch: pytest.MonkeyPatch, libraries: dict[str, Any], printed: str = "") -> None:
    def load(name: str) -> Any:
        if name not in libraries:
            raise OSError(f"{name}: cannot open shared object file")
        return libraries[name]

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print(printed))


def test_a_gpu_with_all_libraries_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {cuda.DRIVER: Driver(), cuda.CUDNN: object()})
    assert cuda.find_fault() is None


def test_a_machine_without_a_driver_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {})
    monkeypatch.delattr(onnxruntime, "preload_dlls")  # hundreds of megabytes, for nothing
    expected = f"NVIDIA's driver is not there: {cuda.DRIVER}: cannot open shared object file"
    assert cuda.find_fault() == expected


def test_a_driver_that_offers_no_gpu_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {cuda.DRIVER: Driver(NO_DEVICE)})
    expected = "NVIDIA's driver offers no GPU: no CUDA-capable device is detected (error 100)"
    assert cuda.find_fault() == expected


def test_libraries_that_are_missing_are_named_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = (
        "Failed to load libcublasLt.so.13: libcublasLt.so.13: cannot open shared object file\n"
        "Failed to load libcurand.so.10: libcurand.so.10: cannot open shared object file\n"
        "Please follow some page to install CUDA."
    )
    install(monkeypatch, {cuda.DRIVER: Driver(), cuda.CUDNN: object()}, printed)
    assert cuda.find_fault() == "CUDA's libraries cannot be loaded: libcublasLt.so.13, libcurand.so.10"
    assert capsys.readouterr().out == ""


def test_cudnn_is_needed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {cuda.DRIVER: Driver()})
    assert cuda.find_fault() == f"CUDA's libraries cannot be loaded: {cuda.CUDNN}"
