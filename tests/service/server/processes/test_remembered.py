"""What files of keys said, remembered for workers that start while one is faulty."""

from __future__ import annotations

import pathlib
import pickle
import time

import pytest

from service.core.errors import StartupError
from service.core.settings import Settings
from service.security.sources import read_sources
from service.server.processes import remembered
from service.server.processes.remembered import RememberedSources

FIRST, SECOND = "correct-horse-battery-staple", "another-horse-and-another"
WAIT_S = 20


def opens(sources: RememberedSources, settings: Settings, key: str) -> bool:
    """Whether a worker that starts now lets a key in."""
    recalled = pickle.loads(pickle.dumps(sources.recall()))
    assert key.encode() not in pickle.dumps(recalled)
    keys = read_sources(settings, recalled).keys
    assert keys is not None
    return keys.value.find(key.encode()) is not None


def test_a_worker_starts_with_what_a_faulty_file_said_last(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "LOOK_S", 0.02)
    path = tmp_path / "keys"
    path.write_text(FIRST)
    settings = Settings(api_keys_file=path)
    sources = RememberedSources(settings)
    sources.start()
    assert opens(sources, settings, FIRST)
    before = pickle.dumps(sources.recall())
    path.write_text(SECOND + "\n")
    end = time.monotonic() + WAIT_S
    while pickle.dumps(sources.recall()) == before:
        assert time.monotonic() < end
        time.sleep(0.01)
    for faulty in ("web:write:" + FIRST, ""):
        path.write_text(faulty)
        assert opens(sources, settings, SECOND)
        assert not opens(sources, settings, FIRST)
    path.unlink()
    assert opens(sources, settings, SECOND)
    assert "what it said before stays" in caplog.text
    with pytest.raises(StartupError):
        read_sources(settings)


def test_what_one_file_said_does_not_stand_for_another(tmp_path: pathlib.Path) -> None:
    (tmp_path / "keys").write_text(FIRST)
    sources = RememberedSources(Settings(api_keys_file=tmp_path / "keys"))
    other = Settings(api_keys_file=tmp_path / "missing")
    with pytest.raises(StartupError, match="cannot read"):
        read_sources(other, sources.recall())


def test_variables_need_no_memory() -> None:
    assert RememberedSources(Settings(api_keys=FIRST)).recall() == {}
    assert RememberedSources(Settings()).recall() == {}
