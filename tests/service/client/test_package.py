"""What importing the client brings with it."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

from service.client import AsyncClient, Client, File, Frame, Pictures, Posterior

ROOT = pathlib.Path(__file__).parents[3]


def test_it_brings_nothing_of_the_service() -> None:
    code = "import sys, service.client; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert {"httpx", "numpy", "PIL"} <= set(loaded)
    assert not {"fastapi", "starlette", "onnxruntime", "pydantic", "orjson"} & set(loaded)
    ours = {name for name in loaded if name.startswith("service.")}
    assert all(name.startswith(("service.client", "service.core")) for name in ours)


def test_both_clients_have_the_same_methods_with_the_same_signatures() -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        public = {name: each for name, each in found if not name.startswith("_")}
        return {name: list(inspect.signature(each).parameters) for name, each in public.items()}

    assert methods(Client) == methods(AsyncClient)
    assert Client.decode.__doc__ == AsyncClient.decode.__doc__
    assert "latent vectors" in (Client.decode.__doc__ or "")


def test_help_shows_the_parameters() -> None:
    client = Client("http://service")
    for method in (client.sample, client.into("png").sample, AsyncClient("http://service").sample):
        signature = str(inspect.signature(method))
        assert signature.startswith("(n: 'int' = 1, *, digit: 'int | str | None' = None, seed: 'int | None'")


def test_methods_have_types() -> None:
    """A type checker reads this; `warn_unused_ignores` makes it fail if a mistake is none any more."""

    def blocking(client: Client) -> tuple[Pictures, File, Iterator[Frame], str]:
        client.into("jpg")  # type: ignore[arg-type]
        client.decode([0.5], modell="mnist-2d")  # type: ignore[call-arg]
        walk = client.into("gif", loops=1).interpolate(3, "digit:8")
        return client.decode([0.5]), walk, client.stream(3, 8), client.urls().draw(7)

    async def asynchronous(client: AsyncClient) -> tuple[Posterior, File, AsyncIterator[Frame]]:
        client.into("png", scal=3)  # type: ignore[call-arg]
        return await client.encode(b""), await client.into("png").draw(7), client.stream(3, 8)

    assert callable(blocking)
    assert callable(asynchronous)
