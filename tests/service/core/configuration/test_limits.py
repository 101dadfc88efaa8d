from __future__ import annotations

import re

import pytest

from service.core.configuration.limits import Rate
from service.core.errors import StartupError
from service.core.settings import load_settings


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/s", Rate(100, 1, 100)),
        ("1000/min", Rate(1000, 60, 1000)),
        ("1 per hour", Rate(1, 3600, 1)),
        ("5/Second", Rate(5, 1, 5)),
        (" 6/m ", Rate(6, 60, 6)),
    ],
)
def test_a_rate_is_written_as_people_say_it(text: str, rate: Rate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_RATE_LIMIT", text)
    assert load_settings().rate == rate
    monkeypatch.setenv("CVAE_RATE_BURST", "7")
    assert load_settings().rate == rate._replace(burst=7)


def test_unset_means_no_limit() -> None:
    assert load_settings().rate is None


@pytest.mark.parametrize("text", ["100", "0/s", "-1/s", "1.5/s", "/s", "100/day", "100/s; 5/s", "1e3/s"])
def test_what_is_no_rate_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_RATE_LIMIT", text)
    with pytest.raises(StartupError, match=f"^CVAE_RATE_LIMIT: .*100/s, received {re.escape(repr(text))}$"):
        load_settings()
