"""What a serving process does before it serves."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from service.core.settings import Settings
from service.server import worker
from service.server.drain import DrainingServer


def test_what_describes_the_api_is_made_before_it_is_asked_for(
    models_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = []

    def run(server: DrainingServer, _sockets: Any) -> None:
        app: Any = server.config.app
        schemas.append(app.api.openapi_schema)
        server.started = True

    monkeypatch.setattr(DrainingServer, "run", run)
    monkeypatch.setattr(worker, "_heed", lambda *_: None)
    worker.serve(Settings(models_dir=models_dir))
    assert [schema["info"]["title"] for schema in schemas] == ["CVAE service"]
