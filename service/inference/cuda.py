"""Find out whether CUDA can be used here, and load the libraries that onnxruntime needs for it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import sys

import onnxruntime

DRIVER, CUDNN = (
    ("nvcuda.dll", "cudnn64_9.dll") if sys.platform == "win32" else ("libcuda.so.1", "libcudnn.so.9")
)
# How onnxruntime prints what it could not load: name or path, then the loader's words.
FAILED = "Failed to load "


@functools.cache
def find_fault() -> str | None:
    """Return why CUDA cannot be used, or None if it can; its libraries are then loaded.

    onnxruntime itself looks for them where the system's loader does, which does not know the packages
    that `locks/gpu.txt` installs, and takes the CPU without a word if it finds none.
    """
    return _ask_driver() or _load_libraries()


def _ask_driver() -> str | None:
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError as error:
        return f"NVIDIA's driver is not there: {error}"
    code = driver.cuInit(0)
    return f"NVIDIA's driver offers no GPU: {_explain(driver, code)}" if code else None


def _explain(driver: ctypes.CDLL, code: int) -> str:
    text = ctypes.c_char_p()
    driver.cuGetErrorString(code, ctypes.byref(text))
    return f"{(text.value or b'unknown error').decode()} (error {code})"


def _load_libraries() -> str | None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        onnxruntime.preload_dlls()
    lines = [line for line in printed.getvalue().splitlines() if line.startswith(FAILED)]
    names = [line.removeprefix(FAILED).partition(": ")[0] for line in lines]
    # onnxruntime starts without cuDNN, and then cannot run a convolution.
    if not _loads(CUDNN):
        names.append(CUDNN)
    return f"CUDA's libraries cannot be loaded: {', '.join(dict.fromkeys(names))}" if names else None


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
