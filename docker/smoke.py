"""Proves, while an image is built, that its trimmed packages still serve, and leaves bytecode as it goes.

Loads every extension module, writes and reads each picture format, then runs the service on the bundles
that will be in the image until it is ready, which it is once it has replayed their golden vectors; last the
command line.
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

from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
TIMEOUT_S = 60


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
    """Runs the service until it is ready, then stops it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {**os.environ, "CVAE_HOST": "127.0.0.1", "CVAE_PORT": str(port), "CVAE_PROVIDER": "cpu"}
    service = subprocess.Popen([sys.executable, "-m", "service"], env=environment)
    try:
        _wait_until_ready(service, environment)
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


def run_command() -> None:
    """Runs the command line, which is there without its console script."""
    environment = {**os.environ, "CVAE_PROVIDER": "cpu"}
    subprocess.run([sys.executable, "-m", "service.cli", "doctor"], env=environment, check=True)


if __name__ == "__main__":
    load_extensions()
    convert_pictures()
    serve_once()
    run_command()
