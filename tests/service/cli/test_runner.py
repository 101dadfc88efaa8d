"""A service that cannot be reached."""

from __future__ import annotations

import socket

import pytest

from service.cli import runner
from tests.service.cli.commands import Cvae


def test_a_service_that_is_not_there_is_said(local: Cvae) -> None:
    line = local.refuse(1, "decode", "1,2", "--url", "http://127.0.0.1:1", "--timeout-s", "1")
    # Of a busy machine, the last try's timeout may come before its refusal; the one before is named then.
    assert line.startswith("cvae: http://127.0.0.1:1: expected an answer")
    assert "received none (Connection refused)" in line


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("http://127.0.0.1:1", "start the service with: cvae serve --port 1"),
        ("http://127.0.0.1:2", "start the service with: cvae serve"),
        ("http://nowhere.invalid", "start the service there with: cvae serve --host 0.0.0.0 --port 80"),
    ],
)
def test_a_refused_connection_says_how_to_start_the_service(
    local: Cvae, monkeypatch: pytest.MonkeyPatch, url: str, command: str
) -> None:
    monkeypatch.setattr(runner, "AWAY_S", 0.0)
    monkeypatch.setattr(runner, "DEFAULT_PORT", 2)
    line = local.refuse(1, "decode", "1,2", "--url", url)
    assert line.startswith(f"cvae: {url}: expected an answer, received none (")
    assert line.endswith(f"); {command}\n")


def test_a_slow_service_is_not_to_be_started(local: Cvae) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        line = local.refuse(1, "decode", "1,2", "--url", url, "--timeout-s", "0.2")
    assert "cvae serve" not in line


def test_an_address_that_is_none_is_said(local: Cvae) -> None:
    for address in ("http://", "http://a:port", "http://[::1"):
        assert "base_url: expected one such as" in local.refuse(1, "models", "--url", address)
    line = local.refuse(1, "models", "--url", "http://service", http_proxy="ftp://proxy")
    assert "HTTP_PROXY: expected an address such as http://proxy:3128, received 'ftp://proxy'" in line


def test_an_address_without_a_scheme_is_of_http(local: Cvae, url: str) -> None:
    content = local.check("models", "--url", url)
    assert local.check("models", "--url", url.removeprefix("http://")) == content
    assert content.startswith(b"name")
