"""Both clients, and the application over two fake bundles."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import httpx
import pytest

from service.core.settings import Settings
from service.server.app import create_app
from tests.service import fake
from tests.service.client.driver import Bridge, Driver


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as asyncio_runner:
        yield asyncio_runner


@pytest.fixture(scope="session")
def application(
    runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.ASGITransport]:
    folder = tmp_path_factory.mktemp("bundles")
    fake.write_bundle(folder / "fake")
    fake.write_bundle(folder / "labelled", conditional=True)
    app = create_app(Settings(models_dir=folder))
    stack = contextlib.AsyncExitStack()
    runner.run(stack.enter_async_context(app.api.router.lifespan_context(app.api)))
    yield httpx.ASGITransport(app)
    runner.run(stack.aclose())


@pytest.fixture(params=["blocking", "asyncio"])
def driver(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[Driver]:
    client_driver = Driver(request.param, runner)
    yield client_driver
    if hasattr(client_driver, "client"):
        client_driver.close()


@pytest.fixture
def service(driver: Driver, application: httpx.ASGITransport) -> Driver:
    """A client of the real application."""
    blocking = driver.kind == "blocking"
    transport = Bridge(driver.runner, application) if blocking else application
    return driver.open(transport, base_url="http://service")
