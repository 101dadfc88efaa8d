"""The service over a fake bundle."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import hypothesis
import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.inference.registry import Registry
from service.server.app import create_app
from tests.service.fake import write_bundle

# How long an example takes says more of what else the machine does than of the service.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    write_bundle(folder / "fake")
    return folder


@pytest.fixture(scope="session")
def settings(models_dir: pathlib.Path) -> Settings:
    return Settings(
        models_dir=models_dir,
        max_request_rows=64,
        max_body_bytes=400_000,
        max_image_pixels=1_000_000,
        cache_bytes=0,
        # A busy machine is no reason for 504.
        deadline_ms=60_000,
    )


@pytest.fixture(scope="module")
def registry(models_dir: pathlib.Path) -> Iterator[Registry]:
    registry = Registry(Settings(models_dir=models_dir))
    registry.start()
    yield registry
    registry.close()


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), raise_server_exceptions=True) as running:
        yield running
