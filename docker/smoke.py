"""Proves, while an image is built, that its trimmed packages still serve, and leaves bytecode as it goes.

Loads every extension module, writes and reads each picture format, then runs the service on the bundles
that will be in the image until it is ready, which it is once it has replayed their golden vectors, and holds
an answer of many rows against what the model itself makes of them; last the command line.
"""

import ctypes
import io
import os
import pathlib
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request

import numpy as np
import onnxruntime
from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
TIMEOUT_S = 60
# More than a batch, and a whole number of them: such answers were once short.
ROWS, SEED = 512, 1


def load_extensions() -> None:
    """Resolves every symbol of every extension module."""
    for path in pathlib.Path(sysconfig.get_path("platlib")).rglob("*.cpython-*.so"):
        ctypes.CDLL(str(path), mode=os.RTLD_NOW)


def convert_pictures() -> None:
    """Writes and reads a picture in each format."""
    for name in FORMATS:
        file = io.BytesIO()
        Image.new("RGB", (28, 28), "red").save(file, name)
        with Image.open(file, formats=[name]) as image:
            image.load()


def serve_once() -> None:
    """Runs the service until it is ready, looks at an answer, then stops it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {**os.environ, "CVAE_HOST": "127.0.0.1", "CVAE_PORT": str(port), "CVAE_PROVIDER": "cpu"}
    service = subprocess.Popen([sys.executable, "-m", "service"], env=environment)
    try:
        _wait_until_ready(service, environment)
        _check_answer(port)
    finally:
        service.terminate()
        status = service.wait(TIMEOUT_S)
    if status:
        raise RuntimeError(f"the service: expected exit status 0, received {status}")


def _wait_until_ready(service: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    here = pathlib.Path(__file__).parent
    while subprocess.run([sys.executable, "healthcheck.py"], cwd=here, env=environment).returncode:
        if service.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the service: expected it to be ready within {TIMEOUT_S} s, but it is not")
        time.sleep(0.1)


def _check_answer(port: int) -> None:
    url = f"http://127.0.0.1:{port}/sample.npy?n={ROWS}&seed={SEED}&dtype=uint8&model=mnist-2d&prior=normal"
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        found = np.load(io.BytesIO(answer.read()), allow_pickle=False)
    decoder = onnxruntime.InferenceSession("models/mnist-2d/decoder.onnx", providers=["CPUExecutionProvider"])
    z = np.random.RandomState(SEED).standard_normal((ROWS, 2)).astype(np.float32)
    expected = np.concatenate([decoder.run(["image"], {"z": z[i : i + 1]})[0] for i in range(ROWS)])[..., 0]
    if found.shape != expected.shape:
        raise RuntimeError(
            f"the service: expected pictures of shape {expected.shape}, received {found.shape}"
        )
    # Levels are rounded, and a float's last bit may depend on the batch.
    if (worst := float(np.abs(found - expected * 255).max())) > 1:
        raise RuntimeError(
            f"the service: expected the pictures of seed {SEED}, received others, by {worst:.0f}"
        )


def run_command() -> None:
    """Runs the command line, which is there without its console script."""
    environment = {**os.environ, "CVAE_PROVIDER": "cpu"}
    subprocess.run([sys.executable, "-m", "service.cli", "doctor"], env=environment, check=True)


if __name__ == "__main__":
    load_extensions()
    convert_pictures()
    serve_once()
    run_command()
