"""Choose where onnxruntime runs the graphs: the execution provider, and its options."""

from __future__ import annotations

import onnxruntime

from service.core.choices import Provider
from service.core.errors import ProviderError
from service.inference import cuda

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
Options = dict[str, str]
CUDA_OPTIONS: Options = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


def choose_provider(wanted: Provider) -> str:
    """Return onnxruntime's name of the provider to use, such as "CPUExecutionProvider".

    Args:
        wanted: "auto" takes the GPU if there is one that can be used, else the CPU.

    Raises:
        ProviderError: The one that was named is not offered by onnxruntime, or cannot be used here.
    """
    available = onnxruntime.get_available_providers()
    if wanted == "auto":
        usable = PROVIDERS["cuda"] in available and cuda.find_fault() is None
        return PROVIDERS["cuda" if usable else "cpu"]
    if PROVIDERS[wanted] not in available:
        offered = [name for name, provider in PROVIDERS.items() if provider in available]
        raise ProviderError(
            f"CVAE_PROVIDER: expected one of auto, {', '.join(offered)}, received {wanted}; for a GPU, an "
            f"environment of its own: pip install 'cvae-service[gpu]'"
        )
    if wanted != "cpu" and (fault := cuda.find_fault()):
        raise ProviderError(f"CVAE_PROVIDER: expected {wanted}, but {fault}")
    return PROVIDERS[wanted]


def explain_fallback(wanted: Provider) -> str | None:
    """Return why "auto" takes the CPU although this onnxruntime is built for GPUs; otherwise None."""
    if wanted != "auto" or PROVIDERS["cuda"] not in onnxruntime.get_available_providers():
        return None
    return cuda.find_fault()


def list_providers(provider: str) -> list[tuple[str, Options]]:
    """Return what a session is opened with: the provider, and the CPU for operators that it lacks."""
    options = CUDA_OPTIONS if provider == PROVIDERS["cuda"] else {}
    chosen = (provider, options)
    return [chosen] if provider == PROVIDERS["cpu"] else [chosen, (PROVIDERS["cpu"], {})]
