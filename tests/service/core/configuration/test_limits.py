from __future__ import annotations

import re

import pytest

from service.core.configuration.limits import Rate, read_rate
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
        ("8/s 20", Rate(8, 1, 20)),
    ],
)
def test_a_rate_is_written_as_people_say_it(text: str, rate: Rate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_RATE_LIMIT", text)
    assert read_rate(load_settings().rate_limit) == rate


def test_the_text_s_own_burst_comes_before_the_setting() -> None:
    assert read_rate("100/s", burst=7) == Rate(100, 1, 7)
    assert read_rate("100/s 8", burst=7) == Rate(100, 1, 8)


@pytest.mark.parametrize(
    "text", ["100", "0/s", "-1/s", "1.5/s", "/s", "100/day", "100/s; 5/s", "1e3/s", "5/s 0", "5/s 5 5"]
)
def test_what_is_no_rate_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_RATE_LIMIT", text)
    with pytest.raises(StartupError, match=f"^CVAE_RATE_LIMIT: .*100/s, received {re.escape(repr(text))}$"):
        load_settings()
