"""What importing the client brings with it."""

from __future__ import annotations

import inspect
import pathlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from service.client import AsyncClient, Client, File, Frame, Pictures, Posterior
from service.client.methods.asynchronous import AsyncMethods
from service.client.methods.blocking import BlockingMethods
from service.client.methods.files import FileMethods
from service.client.methods.urls import UrlMethods
from service.client.requests import encoding, image_urls, models, pictures

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
        assert signature.startswith(
            "(n: 'int' = 1, *, digit: 'int | str | None' = None, prior: 'PriorName | None'"
        )


REQUESTS: dict[type, dict[str, Callable[..., Any]]] = {
    BlockingMethods: {
        **{name: getattr(pictures, name) for name in ("decode", "interpolate", "sample", "draw", "manifold")},
        **{name: getattr(encoding, name) for name in ("encode", "reconstruct", "restyle")},
        **{name: getattr(models, name) for name in ("models", "model", "latents")},
        "stream": pictures.interpolate,
    },
    UrlMethods: {
        name: getattr(image_urls, name)
        for name in ("decode", "draw", "sample", "interpolate", "manifold", "latent_map")
    },
}
REQUESTS[AsyncMethods] = REQUESTS[BlockingMethods]
REQUESTS[FileMethods] = {
    name: build for name, build in REQUESTS[BlockingMethods].items() if name in vars(FileMethods)
} | {"latent_map": image_urls.latent_map}


def describe(function: Callable[..., Any]) -> list[tuple[str, Any, Any, str]]:
    parameters = inspect.signature(function).parameters.values()
    return [
        (each.name, each.kind, each.default, each.annotation.replace("Uploads", "Pictures"))
        for each in parameters
        if each.name != "self"
    ]


@pytest.mark.parametrize("kind", REQUESTS)
def test_each_method_is_written_out_and_takes_what_its_request_takes(kind: type) -> None:
    written = {name for name, each in vars(kind).items() if inspect.isfunction(each)}
    assert written - {"send", "receive", "write", "build"} == set(REQUESTS[kind])
    for name, build in REQUESTS[kind].items():
        method = getattr(kind, name)
        assert describe(method) == describe(build), name
        assert method.__doc__ == build.__doc__
        # An editor that looks for the definition finds the method itself.
        assert (method.__name__, method.__module__) == (name, kind.__module__)
        assert not hasattr(method, "__wrapped__")


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
