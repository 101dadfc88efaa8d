"""A service that runs takes up the keys and the limit of a changed file, without a pause."""

from __future__ import annotations

import asyncio
import os
import pathlib
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from service.core.settings import Settings
from service.inference.registry import Registry
from service.security import watched_file
from service.server.app import create_app

OLD, NEW = "correct-horse-battery-old", "correct-horse-battery-new"


def play(settings: Settings, scene: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    registry = Registry(settings)
    registry.start()
    app = create_app(settings, registry)

    async def run() -> None:
        async with (
            app.api.router.lifespan_context(app.api),
            httpx.AsyncClient(base_url="http://service", transport=httpx.ASGITransport(app)) as client,
        ):
            await scene(client)

    asyncio.run(asyncio.wait_for(run(), 30))


def write_later(path: pathlib.Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))


def test_a_running_service_takes_up_changed_keys(
    models_dir: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_file, "LOOK_S", 0.005)
    path = tmp_path / "keys"
    path.write_text(OLD)

    async def ask(client: httpx.AsyncClient, key: str) -> int:
        return (await client.get("/models", headers={"X-API-Key": key})).status_code

    async def scene(client: httpx.AsyncClient) -> None:
        assert [await ask(client, key) for key in (OLD, NEW)] == [200, 401]
        write_later(path, f"{NEW}\n")
        while await ask(client, NEW) != 200:
            await asyncio.sleep(0.005)
        assert await ask(client, OLD) == 401

    play(Settings(models_dir=models_dir, api_keys_file=path), scene)


def test_a_running_service_takes_up_a_changed_limit(
    models_dir: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(watched_file, "LOOK_S", 0.005)
    path = tmp_path / "limit"
    path.write_text("# for the fair\n5/hour\n")

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/models")

    async def scene(client: httpx.AsyncClient) -> None:
        assert [(await ask(client)).status_code for _ in range(6)] == [*[200] * 5, 429]
        path.write_text("3/fortnight")
        while "CVAE_RATE_LIMIT_FILE: expected a number of requests" not in caplog.text:
            await asyncio.sleep(0.005)
        assert (await ask(client)).headers["RateLimit-Policy"] == '"client";q=5;w=3600'
        write_later(path, "2/min 3")
        while (answer := await ask(client)).status_code == 429:
            await asyncio.sleep(0.005)
        statuses = [answer.status_code, *[(await ask(client)).status_code for _ in range(3)]]
        assert statuses == [200, 200, 200, 429]
        assert (await ask(client)).headers["RateLimit-Policy"] == '"client";q=2;w=60'

    play(Settings(models_dir=models_dir, rate_limit_file=path), scene)
