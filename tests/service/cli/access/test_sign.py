from __future__ import annotations

import time

import click
import pytest

from service.cli.access.sign import read_duration
from service.core.url_signature import parse_pair, sign_url
from tests.service.cli.commands import Cvae

KEY = f"{'ab' * 16}:{'cd' * 16}"
URL = "https://pictures.example/digits/7.png?seed=3"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("999999999s", 999_999_999)],
)
def test_a_duration_is_in_seconds(text: str, seconds: int) -> None:
    assert read_duration(click.Context(click.Command("x")), click.Option(["--for"]), text) == seconds
    assert read_duration(click.Context(click.Command("x")), click.Option(["--for"]), None) is None


@pytest.mark.parametrize(
    "text", ["", "0s", "5", "s", "-1s", "1.5h", "1w", "1s ", "01s", "1000000000s", "1sm"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"expected one such as 90s, 15m, 12h or 7d, received"):
        read_duration(click.Context(click.Command("x")), click.Option(["--for"]), text)


def test_urls_are_signed_a_line_each(local: Cvae) -> None:
    local.options = []
    said = local.check("sign", "--key", KEY, URL, "/decode.png?z=1,1").decode()
    pair = parse_pair(KEY)
    assert said == f"{sign_url(URL, pair)}\n{sign_url('/decode.png?z=1,1', pair)}\n"
    until = local.check("sign", "--key", KEY, "--until", "1", URL).decode()
    assert until == sign_url(URL, pair, 1) + "\n"


def test_a_url_may_be_valid_for_a_time(local: Cvae, monkeypatch: pytest.MonkeyPatch) -> None:
    local.options = []
    monkeypatch.setattr(time, "time", lambda: 1_000_000.9)
    said = local.check("sign", "--key", KEY, "--for", "15m", URL).decode()
    assert said == sign_url(URL, parse_pair(KEY), 1_000_900) + "\n"
    refused = local.refuse(2, "sign", "--key", KEY, "--for", "15m", "--until", "5", URL)
    assert "expected one of --for and --until, received both" in refused


def test_what_cannot_be_signed_is_named(local: Cvae) -> None:
    local.options = []
    assert "--key, CVAE_SIGNING_KEY: expected KEY:SALT" in local.refuse(2, "sign", "--key", "a:b", URL)
    twice = local.refuse(2, "sign", "--key", KEY, f"{URL}&signature=x")
    assert "URL: signature: expected none in the URL, received one" in twice
