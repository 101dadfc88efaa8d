"""`cvae serve`: options become settings."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from service.cli.main import cli


def test_serve_gives_its_options_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.server.main.main", lambda: 3)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    result = CliRunner().invoke(cli, ["serve", "--port", "9", "--workers", "auto", "--models-dir", "x"])
    assert result.exit_code == 1
    found = {name: os.environ.get(f"CVAE_{name}") for name in ("PORT", "WORKERS", "MODELS_DIR", "HOST")}
    assert found == {"PORT": "9", "WORKERS": "auto", "MODELS_DIR": "x", "HOST": os.environ.get("CVAE_HOST")}
