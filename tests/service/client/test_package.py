"""What importing the client brings with it."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys

from service.client import AsyncClient, Client

ROOT = pathlib.Path(__file__).parents[3]


def test_it_brings_nothing_of_the_service() -> None:
    code = "import sys, service.client; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert {"httpx", "numpy", "PIL"} <= set(loaded)
    assert not {"fastapi", "starlette", "onnxruntime", "pydantic", "orjson"} & set(loaded)
    ours = {name for name in loaded if name.startswith("service.")}
    assert all(name.startswith("service.client") for name in ours)


def test_both_clients_have_the_same_methods_with_the_same_signatures() -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        public = {name: each for name, each in found if not name.startswith("_")}
        return {name: list(inspect.signature(each).parameters) for name, each in public.items()}

    assert methods(Client) == methods(AsyncClient)
    assert Client.decode.__doc__ == AsyncClient.decode.__doc__
    assert "latent vectors" in (Client.decode.__doc__ or "")
