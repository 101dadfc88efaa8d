"""Health checks of one of several workers."""

from __future__ import annotations

from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.server.app import create_app


def test_readiness_says_how_many_workers_serve(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app) as client:
        assert client.get("/health/ready").json() == {"status": "ready"}
        app.api.state.census = lambda: None
        assert client.get("/health/ready").json() == {"status": "ready"}
        app.api.state.census = lambda: (1, 2)
        answer = client.get("/health/ready")
        assert answer.json() == {"status": "ready", "workers": {"ready": 1, "wanted": 2}}
        assert answer.headers["content-length"] == str(len(answer.content))
