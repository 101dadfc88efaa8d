from __future__ import annotations

import os
import pathlib

import pydantic
import pytest

from service.core.errors import StartupError
from service.core.settings import Settings, find_strangers, load_settings


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
        ("CVAE_LOG_FORMAT", "xml"),
        ("CVAE_ACCESS_LOG_SAMPLE", "1.5"),
        ("CVAE_SLOW_REQUEST_MS", "-1"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError, match=f"^{name}: .*{value!r}$"):
        load_settings()


def test_no_time_is_longer_than_calls_that_wait_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [name for name in Settings.model_fields if name.endswith("_ms")]
    assert len(times) == 8
    for name in times:
        for value in ("86400001", "1" + 400 * "0"):
            monkeypatch.setenv(f"CVAE_{name.upper()}", value)
            with pytest.raises(StartupError, match=f"^CVAE_{name.upper()}: .*86400000"):
                load_settings()
        monkeypatch.setenv(f"CVAE_{name.upper()}", "86400000")
    assert load_settings().drain_ms == 86_400_000


@pytest.mark.parametrize(("cores", "fitting", "workers"), [(6, 9, 6), (6, 2, 2), (200, 200, 64)])
def test_auto_takes_a_worker_for_each_core_as_far_as_memory_allows(
    cores: int, fitting: int, workers: int, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.core.settings.count_cores", lambda: cores)
    monkeypatch.setattr(
        "service.core.settings.fit_workers", lambda bundles: fitting if bundles == [tmp_path / "it"] else 0
    )
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "model.json").touch()
    monkeypatch.setenv("CVAE_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("CVAE_WORKERS", "auto")
    assert load_settings().workers == workers


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_an_empty_variable_is_one_that_is_not_set(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("CVAE_PORT=\nCVAE_DEADLINE_MS=7\n")
    for name in Settings.model_fields:
        monkeypatch.setenv(f"CVAE_{name.upper()}", "  " if name == "workers" else "")
    settings = load_settings()
    assert settings == Settings.model_construct(**{**Settings().model_dump(), "deadline_ms": 7})
    assert (settings.port, settings.workers) == (8000, 1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("log_level", " INFO ", "info"),
        ("provider", "CPU", "cpu"),
        ("log_format", "JSON", "json"),
        ("workers", "AUTO", 6),
        ("access_log", "TRUE", True),
        ("max_body_bytes", "16m", 16 * 2**20),
        ("max_body_bytes", "512 KiB", 512 * 2**10),
        ("max_body_bytes", "1G", 2**30),
        ("host", "::", "::"),
        ("host", "[::1]", "::1"),
        ("models_dir", "~/bundles", pathlib.Path("/home/somebody/bundles")),
        ("port", "tcp://10.0.0.1:8000", 8000),
        ("port", "tcp://[fd00::1]:8000", 8000),
        ("metrics_port", "tcp://10.0.0.1:9000", None),  # of a Service named cvae-metrics
        ("metrics_port", "9000", 9000),
    ],
)
def test_values_are_understood_as_people_write_them(
    name: str, value: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.core.settings.count_cores", lambda: 6)
    monkeypatch.setattr("service.core.settings.fit_workers", lambda _: 6)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv(f"CVAE_{name.upper()}", value)
    assert getattr(load_settings(), name) == expected


@pytest.mark.parametrize("value", ["m", "16q", "-1m", "1.5m", "16mm", "0k"])
def test_what_is_no_size_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_MAX_BODY_BYTES", value)
    with pytest.raises(StartupError, match=r"^CVAE_MAX_BODY_BYTES: "):
        load_settings()


@pytest.mark.parametrize("value", ["https://page.example/app", "page.example", '["https://a.example"'])
def test_an_origin_that_could_never_match_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_CORS_ORIGINS", value)
    with pytest.raises(StartupError, match=r"^CVAE_CORS_ORIGINS: expected (origins|texts)"):
        load_settings()


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_misspelt_name_is_refused(
    where: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == ".env":
        (tmp_path / ".env").write_text("CVAE_WORKER=2\n")
    else:
        monkeypatch.setenv("CVAE_WORKER", "2")
    with pytest.raises(
        StartupError, match=r"^CVAE_WORKER: expected the name of a setting, perhaps CVAE_WORKERS$"
    ):
        load_settings()


def test_other_names_of_ours_are_found_in_both_places(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("CVAE_OF_THE_FILE=2\nOTHER=1\n")
    monkeypatch.setenv("CVAE_OF_THE_SHELL", "2")
    assert find_strangers() == ["CVAE_OF_THE_FILE", "CVAE_OF_THE_SHELL"]


def test_a_pipe_as_env_file_is_refused_and_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(StartupError, match=r"^\.env: expected a file, received a named pipe$"):
        load_settings()


def test_an_env_file_that_is_no_text_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".env").write_bytes(b"CVAE_PORT=\xff\xfe\n")
    with pytest.raises(StartupError, match=r"^\.env: expected a text in UTF-8"):
        load_settings()


def test_proxies_and_the_path_below_which_they_serve_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load_settings().root_path, load_settings().trusted_proxies) == ("", ())
    monkeypatch.setenv("CVAE_ROOT_PATH", "cvae/")
    monkeypatch.setenv("CVAE_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    settings = load_settings()
    assert (settings.root_path, settings.trusted_proxies) == ("/cvae", ("10.0.0.0/8", "::1"))
    monkeypatch.setenv("CVAE_TRUSTED_PROXIES", "::1,*")
    assert load_settings().trusted_proxies == ("*",)
    monkeypatch.setenv("CVAE_TRUSTED_PROXIES", "[::1]")
    assert load_settings().trusted_proxies == ("::1",)


def test_proxies_may_be_named_as_for_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.0/8,127.0.0.1")
    monkeypatch.setenv("CVAE_TRUSTED_PROXIES", "")
    assert load_settings().trusted_proxies == ("10.0.0.0/8", "127.0.0.1")
    monkeypatch.setenv("CVAE_TRUSTED_PROXIES", "::1")
    assert load_settings().trusted_proxies == ("::1",)
    monkeypatch.delenv("CVAE_TRUSTED_PROXIES")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "somewhere")
    with pytest.raises(StartupError, match=r"^CVAE_TRUSTED_PROXIES: expected addresses or networks"):
        load_settings()
