"""`cvae keys` and `cvae sign`, and the key that commands send."""

from __future__ import annotations

import re
import time

import pytest

from service.core.url_signature import parse_pair, sign_url
from service.security.api_keys import parse_keys
from tests.service.cli.commands import Cvae

PAIR = f"{'ab' * 32}:{'cd' * 32}"
URL = "https://pictures.example/cvae/digits/7.png?seed=3"


def test_a_key_is_printed_beside_the_line_that_knows_it(local: Cvae) -> None:
    result = local.run("keys", "create", "--name", "web", "--scope", "read", "--scope", "metrics")
    assert result.exit_code == 0
    found = re.fullmatch(r"key (cvae_\S+)\n", result.stderr)
    assert found is not None
    assert found[1] not in result.stdout
    key = parse_keys([result.stdout.strip()]).find(found[1].encode())
    assert key is not None
    assert key.name == "web"
    assert set(key.scopes) == {"read", "metrics"}


def test_a_key_is_named_and_for_reading_unless_told_otherwise(local: Cvae) -> None:
    assert local.check("keys", "create").startswith(b"key:read:sha256:")
    assert "--name" in local.refuse(2, "keys", "create", "--name", "a b")
    assert "--scope" in local.refuse(2, "keys", "create", "--scope", "write")


def test_a_pair_signs(local: Cvae) -> None:
    pair = local.check("keys", "pair").decode().strip()
    assert local.check("keys", "pair").decode().strip() != pair
    assert local.check("sign", "--key", pair, URL).decode() == sign_url(URL, parse_pair(pair)) + "\n"


def test_urls_are_signed_a_line_each_for_as_long_as_is_said(local: Cvae) -> None:
    result = local.run("sign", URL, "/decode.png", CVAE_SIGNING_KEY=PAIR)
    assert result.stdout.splitlines() == [sign_url(each, parse_pair(PAIR)) for each in (URL, "/decode.png")]
    result = local.run("sign", "--until", "1700000000", URL, CVAE_SIGNING_KEY=PAIR)
    assert result.stdout.strip() == sign_url(URL, parse_pair(PAIR), 1_700_000_000)
    begun = int(time.time())
    result = local.run("sign", "--for", "2h", URL, CVAE_SIGNING_KEY=PAIR)
    found = re.search(r"&expires=(\d+)&signature=", result.stdout)
    assert found is not None
    assert begun + 7200 <= int(found[1]) <= time.time() + 7200


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["sign", URL], "--key"),
        (["sign", "--key", "secret", URL], "--key, CVAE_SIGNING_KEY: expected KEY:SALT"),
        (["sign", "--key", PAIR, "digits/7.png"], "URL: expected a URL with a path"),
        (["sign", "--key", PAIR, URL + "&signature=x"], "URL: signature: expected none"),
        (["sign", "--key", PAIR, "--for", "soon", URL], "expected one such as 90s"),
        (["sign", "--key", PAIR, "--for", "1h", "--until", "9", URL], "expected one of --for and --until"),
    ],
)
def test_what_cannot_be_signed_is_said(local: Cvae, arguments: list[str], reason: str) -> None:
    line = local.refuse(2, *arguments)
    assert reason in line
    assert "secret" not in line


def test_who_runs_a_bundle_here_needs_no_key(local: Cvae) -> None:
    keys = "correct-horse-battery"
    result = local.run("decode", "0.5,-1.0", CVAE_API_KEYS=keys, CVAE_SIGNING_KEYS=PAIR, CVAE_API_KEY="a key")
    assert result.exit_code == 0, result.output


def test_commands_send_a_key(local: Cvae, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str | None] = []

    def note(*_: object, api_key: str | None, **__: object) -> None:
        sent.append(api_key)
        raise ValueError("enough")

    monkeypatch.setattr("service.cli.runner.AsyncClient", note)
    for arguments in (["--api-key", "mine"], []):
        assert "enough" in local.refuse(1, "models", "--url", "http://service", *arguments)
    assert sent == ["mine", None]  # the client itself reads the variable
