"""What a serving process does before it serves."""

from __future__ import annotations

import logging
import pathlib
import resource
import sys
from typing import Any

import pytest
import uvicorn

from service.core.settings import Settings
from service.server import worker
from service.server.drain import DrainingServer


def test_what_describes_the_api_is_made_and_freed_memory_given_back(
    models_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas, begun = [], []

    def run(server: DrainingServer, _sockets: Any) -> None:
        app: Any = server.config.app
        schemas.append(app.api.openapi_schema)
        server.started = True

    monkeypatch.setattr(DrainingServer, "run", run)
    monkeypatch.setattr(worker, "_heed", lambda *_: None)
    # Its thread would outlive the test.
    monkeypatch.setattr(worker, "begin_giving_back", lambda: begun.append("giving back"))
    worker.serve(Settings(models_dir=models_dir))
    assert [schema["info"]["title"] for schema in schemas] == ["CVAE service"]
    assert begun == ["giving back"]


@pytest.mark.parametrize(
    ("limits", "files"),
    [
        ((1024, 4096), 4096),
        ((4096, 4096), 4096),
        ((1024, resource.RLIM_INFINITY), sys.maxsize),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), sys.maxsize),
    ],
)
def test_as_many_files_are_opened_as_may_be(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], files: int
) -> None:
    raised: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda what, pair: raised.append((what, pair)))
    assert worker._raise_file_limit() == files
    soft, hard = limits
    assert raised == ([] if soft == hard else [(resource.RLIMIT_NOFILE, (hard, hard))])


@pytest.mark.parametrize("error", [OSError("no"), ValueError("no")])
def test_where_the_kernel_refuses_it_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert worker._raise_file_limit() == 1024


@pytest.mark.parametrize(("files", "taken"), [(300, 200), (299, 199), (301, 200), (50, 1)])
def test_connections_leave_a_hundred_files(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, files: int, taken: int
) -> None:
    monkeypatch.setattr(worker, "_raise_file_limit", lambda: files)
    with caplog.at_level(logging.WARNING):
        fitted = worker._fit_connections(Settings(max_connections=200))
    assert fitted.max_connections == taken
    said = "CVAE_MAX_CONNECTIONS: 200 would need more open files than this process may have; it takes "
    said += f"{files - 100}"
    assert [record.message for record in caplog.records] == ([said] if taken < 200 else [])


@pytest.mark.parametrize(
    ("version", "protocol"),
    [("0.54.0", worker.PROTOCOL), ("0.54.3", worker.PROTOCOL), ("0.55.0", "httptools")],
)
def test_another_uvicorn_goes_without_our_protocol(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: str, protocol: str
) -> None:
    monkeypatch.setattr(uvicorn, "__version__", version)
    assert worker.choose_protocol() == protocol
    told = f"uvicorn {version} is none of those that this service is tested with (0.54.*)"
    assert (told in caplog.text) == (protocol != worker.PROTOCOL)


def test_uvicorn_is_told_what_the_settings_say() -> None:
    app: Any = object()
    plain = worker.make_config(Settings(), app)
    assert (plain.host, plain.port, plain.proxy_headers) == (Settings().host, Settings().port, False)
    # Our own reports say more, and our headers name no server.
    assert (plain.access_log, plain.server_header, plain.ws, plain.log_config) == (False, False, "none", None)
    behind = worker.make_config(Settings(port=1234, trusted_proxies=["10.0.0.7", "10.1.0.0/16"]), app)
    assert (behind.port, behind.proxy_headers) == (1234, True)
    assert behind.forwarded_allow_ips == ["10.0.0.7", "10.1.0.0/16"]
