from __future__ import annotations

import logging
import re

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.observability.logging import logging_config
from service.server.app import Application


def test_an_answer_has_a_new_id(client: TestClient) -> None:
    first, second = (client.get("/health/live").headers["x-request-id"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


def test_a_clients_id_is_kept(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": "job-7.a"})
    assert answer.headers["x-request-id"] == "job-7.a"
    assert answer.json()["request_id"] == "job-7.a"


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "<script>", "a\tb"])
def test_an_id_that_could_spoil_a_log_is_replaced(client: TestClient, bad: str) -> None:
    assert re.fullmatch(
        "[0-9a-f]{32}", client.get("/nothing", headers={"X-Request-ID": bad}).headers["x-request-id"]
    )


def test_an_unknown_exception_is_logged_with_its_id_and_hidden(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = client.app
    assert isinstance(app, Application)
    # Routes fail in a way nobody foresaw. As an attribute, it would be gone afterwards.
    monkeypatch.setitem(app.api.state._state, "registry", object())
    with caplog.at_level(logging.ERROR, logger="service"):
        answer = client.get("/models", headers={"X-Request-ID": "seven"})
        client.get("/models/a%0A2026-01-01%20INFO%20service:%20all%20is%20well")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "seven"
    assert "object" not in answer.text
    assert "seven" in caplog.text
    assert "Traceback" in caplog.text
    assert "\n2026-01-01" not in caplog.text
    assert "/models/a%0A2026" in caplog.text


def test_the_level_reaches_every_logger() -> None:
    config = logging_config(Settings(log_level="warning"))
    assert {logger["level"] for logger in (config["root"], *config["loggers"].values())} == {"WARNING"}
