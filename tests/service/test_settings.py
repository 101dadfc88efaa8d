from __future__ import annotations

import pathlib

import pydantic
import pytest

from service.errors import StartupError
from service.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_PORT", "9000")
    monkeypatch.setenv("CVAE_PROVIDER", "cpu")
    monkeypatch.setenv("CVAE_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = load_settings()
    assert (settings.port, settings.provider) == (9000, "cpu")
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_the_environment_overrides_the_env_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("CVAE_PORT=9001\nCVAE_WORKERS=3\nOTHER=1\n")
    monkeypatch.setenv("CVAE_PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.workers) == (9002, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CVAE_PORT", "http"),
        ("CVAE_PORT", "70000"),
        ("CVAE_WORKERS", "0"),
        ("CVAE_PROVIDER", "tpu"),
        ("CVAE_MAX_REQUEST_ROWS", "-1"),
        ("CVAE_LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError, match=f"^{name}: .*{value!r}$"):
        load_settings()


def test_auto_takes_a_worker_for_each_core_it_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.settings.count_cores", lambda: 6)
    monkeypatch.setenv("CVAE_WORKERS", "auto")
    assert load_settings().workers == 6


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
