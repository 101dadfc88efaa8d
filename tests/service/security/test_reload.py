"""A service that runs takes up the keys of a changed file, without a pause."""

from __future__ import annotations

import asyncio
import os
import pathlib
import time

import httpx
import pytest

from service.core.settings import Settings
from service.inference.registry import Registry
from service.security import watched_file
from service.server.app import create_app

OLD, NEW = "correct-horse-battery-old", "correct-horse-battery-new"


def test_a_running_service_takes_up_a_changed_file(
    models_dir: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_file, "LOOK_S", 0.005)
    path = tmp_path / "keys"
    path.write_text(OLD)
    settings = Settings(models_dir=models_dir, api_keys_file=path)
    registry = Registry(settings)
    registry.start()
    app = create_app(settings, registry)

    async def ask(client: httpx.AsyncClient, key: str) -> int:
        return (await client.get("/models", headers={"X-API-Key": key})).status_code

    async def scene() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.api.router.lifespan_context(app.api),
            httpx.AsyncClient(base_url="http://service", transport=transport) as client,
        ):
            assert [await ask(client, key) for key in (OLD, NEW)] == [200, 401]
            path.write_text(f"{NEW}\n")
            os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
            while await ask(client, NEW) != 200:
                await asyncio.sleep(0.005)
            assert await ask(client, OLD) == 401

    asyncio.run(asyncio.wait_for(scene(), 30))
