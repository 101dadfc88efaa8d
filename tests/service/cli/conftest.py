"""Commands that run bundles in this process, and, by the same tests, ask a service that `cvae serve` runs."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from tests.live import wait_for_port
from tests.service import fake
from tests.service.cli.commands import COMMAND, DEADLINE_S, ROOT, Cvae


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    fake.write_bundle(folder / "labelled", conditional=True)
    return folder


@pytest.fixture(scope="session")
def url(models: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("service") / "log"
    command = [*COMMAND, "serve", "--port", "0", "--models-dir", str(models)]
    with log.open("wb") as file:
        environment = {**os.environ, "CVAE_DRAIN_MS": "0"}
        process = subprocess.Popen(command, cwd=ROOT, stderr=file, env=environment)
    try:
        yield f"http://localhost:{wait_for_port(log, process)}"
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


@pytest.fixture
def local(models: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Cvae:
    monkeypatch.chdir(tmp_path)
    return Cvae(tmp_path, models, [])


@pytest.fixture(params=["local", "service"])
def cvae(request: pytest.FixtureRequest, local: Cvae) -> Cvae:
    if request.param == "service":
        local.options = ["--url", request.getfixturevalue("url")]
    return local
