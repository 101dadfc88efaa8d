"""What a start makes of the settings of keys: one clear line where they are faulty, and no key in it."""

from __future__ import annotations

import pathlib

import pytest

from service.core.errors import StartupError
from service.core.settings import Settings, load_settings
from service.security.sources import check_sources, forget, read_sources
from service.server.main import main

SECRET = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"CVAE_API_KEYS": f"web:write:{SECRET}"}, "CVAE_API_KEYS: entry 1 of 1: SCOPES: expected"),
        ({"CVAE_API_KEYS": ","}, "CVAE_API_KEYS: expected at least one entry"),
        ({"CVAE_API_KEYS_FILE": "missing"}, "CVAE_API_KEYS_FILE: cannot read missing: No such file"),
        (
            {"CVAE_API_KEYS": SECRET, "CVAE_API_KEYS_FILE": "x"},
            "CVAE_API_KEYS, CVAE_API_KEYS_FILE: expected one",
        ),
        ({"CVAE_SIGNING_KEYS": SECRET}, "CVAE_SIGNING_KEYS: entry 1 of 1: expected KEY:SALT"),
        ({"CVAE_SIGNING_KEYS_FILE": "."}, "CVAE_SIGNING_KEYS_FILE: expected a file"),
        (
            {"CVAE_API_KEY": SECRET},
            "CVAE_API_KEY: this is what clients have; a service expects",
        ),
        ({"CVAE_SIGNING_KEY": SECRET}, "CVAE_SIGNING_KEY: this is what clients have"),
        (
            {"CVAE_RATE_BURST": "7"},
            "CVAE_RATE_BURST: expected CVAE_RATE_LIMIT or CVAE_RATE_LIMIT_FILE beside",
        ),
        ({"CVAE_RATE_LIMIT_REDIS": "redis://:p@x"}, "CVAE_RATE_LIMIT_REDIS: expected CVAE_RATE_LIMIT or"),
        ({"CVAE_RATE_LIMIT_FILE": "missing"}, "CVAE_RATE_LIMIT_FILE: cannot read missing: No such file"),
        (
            {"CVAE_RATE_LIMIT": "1/s", "CVAE_RATE_LIMIT_FILE": "x"},
            "CVAE_RATE_LIMIT, CVAE_RATE_LIMIT_FILE: exp",
        ),
    ],
)
def test_faulty_settings_end_the_start_in_one_line_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    reason: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)
    assert main() == 3
    text = capsys.readouterr().err
    assert text.startswith(f"service: {reason}")
    assert text.count("\n") == 1
    assert SECRET not in text


def test_a_client_s_key_in_a_file_is_seen_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".env").write_text(f"cvae_api_key={SECRET}\n")
    with pytest.raises(StartupError, match="CVAE_API_KEY: "):
        check_sources(load_settings())


def test_a_client_s_key_beside_those_of_the_service_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_API_KEY", SECRET)
    monkeypatch.setenv("CVAE_API_KEYS", SECRET)
    check_sources(load_settings())


def test_keys_come_from_a_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text(f"web:read:{SECRET}\n")
    (tmp_path / "pairs").write_text(f"{'ab' * 32}:{'cd' * 32}\n{'12' * 32}:{'34' * 32}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CVAE_API_KEYS_FILE", "~/keys")
    monkeypatch.setenv("CVAE_SIGNING_KEYS_FILE", "pairs")
    keys, pairs, _ = read_sources(load_settings())
    assert keys is not None
    assert keys.value.find(SECRET.encode()) is not None
    assert pairs is not None
    assert len(pairs.value) == 2


def test_the_settings_do_not_show_keys() -> None:
    assert SECRET not in repr(Settings(api_keys=SECRET, signing_keys=SECRET))


def test_who_runs_a_bundle_himself_needs_no_key() -> None:
    closed = Settings(
        api_keys=SECRET, signing_keys_file=pathlib.Path("x"), rate_limit_file=pathlib.Path("y"), port=9
    )
    assert read_sources(forget(closed)) == (None, None, None)
    assert forget(closed).port == 9
