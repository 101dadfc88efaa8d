from __future__ import annotations

from typing import Any

import onnxruntime
import pytest

from service.core.errors import ProviderError
from service.inference import cuda
from service.inference.providers import choose_provider, explain_fallback, list_providers

ALL = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
FAULT = "NVIDIA's driver is not there"


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        ("auto", ["CPUExecutionProvider"], "CPUExecutionProvider"),
        (
            "auto",
            ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
            "CUDAExecutionProvider",
        ),
        ("cpu", ["CUDAExecutionProvider", "CPUExecutionProvider"], "CPUExecutionProvider"),
        ("tensorrt", ["TensorrtExecutionProvider", "CPUExecutionProvider"], "TensorrtExecutionProvider"),
    ],
)
def test_chooses_the_provider(
    wanted: Any, offered: list[str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    monkeypatch.setattr(cuda, "find_fault", lambda: None)
    assert choose_provider(wanted) == chosen


@pytest.mark.parametrize("wanted", ["cuda", "tensorrt"])
def test_a_provider_that_is_not_there_is_named(wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ProviderError, match=f"CVAE_PROVIDER: expected one of auto, cpu, received {wanted}"):
        choose_provider(wanted)


@pytest.mark.parametrize("wanted", ["cuda", "tensorrt"])
def test_a_gpu_that_cannot_be_used_is_refused_if_named(wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ALL)
    monkeypatch.setattr(cuda, "find_fault", lambda: FAULT)
    with pytest.raises(ProviderError, match=f"CVAE_PROVIDER: expected {wanted}, but {FAULT}"):
        choose_provider(wanted)


def test_a_gpu_that_cannot_be_used_is_left_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ALL)
    monkeypatch.setattr(cuda, "find_fault", lambda: FAULT)
    assert choose_provider("auto") == "CPUExecutionProvider"
    assert explain_fallback("auto") == FAULT
    assert explain_fallback("cpu") is None


def test_onnxruntime_without_cuda_is_not_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.delattr(cuda, "find_fault")
    assert choose_provider("auto") == "CPUExecutionProvider"
    assert explain_fallback("auto") is None


def test_a_gpu_computes_in_whole_float32() -> None:
    (gpu, options), (rest, _) = list_providers("CUDAExecutionProvider")
    assert (gpu, rest) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    # With TensorFloat-32 the pictures of mnist-2d are 0.0018 from the golden ones, and the limit is 0.001.
    assert options["use_tf32"] == "0"
    assert [name for name, _ in list_providers("CPUExecutionProvider")] == ["CPUExecutionProvider"]
