"""A service with one bundle, which operators may reload."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.inference.registry import Registry
from service.server.app import create_app
from service.server.processes.reloading import LocalReloads
from tests.service.fake import write_bundle

# A site whose pages may ask for reloads.
NAMED = "https://ops.example"


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "fake")


@pytest.fixture
def client(folder: pathlib.Path) -> Iterator[TestClient]:
    settings = Settings(models_dir=folder.parent, admin="on", cors_origins=("*", "null", NAMED))
    registry = Registry(settings)
    registry.start()
    app = create_app(settings, registry)
    app.api.state.reload = LocalReloads(registry).reload
    with TestClient(app) as client:
        yield client
