"""Signed URLs: what is signed, what is refused, and for how long answers keep."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import time

import hypothesis
import hypothesis.strategies as st
import pytest

from service.core.url_signature import SigningPair, parse_pair, parse_pairs, sign_url
from service.security import signed_urls
from service.security.signed_urls import check_signature, limit_age, split_query
from tests.service.security.visits import visit

NOW = 1_700_000_000
PAIR = parse_pair(f"{'ab' * 32}:{'cd' * 16}")
OTHER = parse_pair(f"{'12' * 32}:{'34' * 32}")
TARGET = "/decode.png?z=0.5,-1.0&scale=4"


@pytest.fixture(autouse=True)
def _stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.security.signed_urls.time.time", lambda: NOW + 0.5)


def ask(target: str, *pairs: object) -> str | None:
    refusal = check_signature(visit(target), pairs or (PAIR,))  # type: ignore[arg-type]
    assert refusal is None or refusal.status == 403
    return refusal and refusal.reason


def test_the_signature_is_that_of_the_documentation() -> None:
    text = b"\xcd" * 16 + b"/decode.png?z=0.5,-1.0&scale=4&expires=1700000060"
    digest = hmac.new(b"\xab" * 32, text, hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    expected = f"https://pictures.example{TARGET}&expires=1700000060&signature={signature}"
    assert sign_url(f"https://pictures.example{TARGET}", PAIR, NOW + 60) == expected


@pytest.mark.parametrize(
    "target",
    [
        *(
            TARGET,
            "/decode.png",
            "/digits/caf%C3%A9.png?seed=1",
            "/digits/a%3Fb.png?x=1",
            "/sample.png?a=%2C+b",
        ),
        *("/decode.png?z='1'", "/decode.png?z=1 2", "/decode.png?z=é", "/decode.png?", "/a//b?&&c"),
    ],
)
def test_a_signed_url_is_let_in_without_its_signature(target: str) -> None:
    for expires in (None, NOW + 1):
        signed = sign_url(f"http://here{target}", PAIR, expires).removeprefix("http://here")
        asking = visit(signed)
        assert check_signature(asking, (OTHER, PAIR)) is None
        assert b"signature" not in asking.scope["query_string"]
        assert b"expires" not in asking.scope["query_string"]
        assert ask(signed, OTHER) == "wrong_signature"


def test_the_signature_may_stand_anywhere() -> None:
    signed = sign_url(TARGET, PAIR)
    path, _, query = signed.partition("?")
    *others, signature = query.split("&")
    assert ask(f"{path}?{'&'.join([others[0], signature, others[1]])}") is None
    assert ask(f"{path}?{'&'.join([signature, *others])}") is None
    assert ask(f"{path}?{'&'.join([signature, *reversed(others)])}") == "wrong_signature"


def test_no_change_of_a_signed_url_goes_unseen() -> None:
    signed = sign_url(TARGET, PAIR, NOW + 60)
    rng = random.Random(0)
    for _ in range(2000):
        at = rng.randrange(1, len(signed))
        changed = signed[:at] + rng.choice("abcXYZ019-_.,&=%?/") + signed[at + rng.randrange(2) :]
        if changed != signed:
            assert ask(changed) is not None, changed
    assert ask(signed) is None


@pytest.mark.parametrize(
    ("expires", "reason"),
    [
        (NOW + 1, None),
        (NOW, "expired"),
        (NOW - 1, "expired"),
        (0, "expired"),
        (10**11, None),
        (10**12, "wrong_signature"),
        (-5, "wrong_signature"),
    ],
)
def test_an_expiry_is_held_to(expires: int, reason: str | None) -> None:
    assert ask(sign_url(TARGET, PAIR, expires)) == reason


@pytest.mark.parametrize("text", ["", "soon", "1.7e9", "+1700000060", "1700000060.5", " 1700000060", "1_7"])
def test_an_expiry_that_is_no_time_is_refused(text: str) -> None:
    query = f"z=1,2&expires={text}"
    signature = PAIR.sign("/decode.png", query.encode()).decode()
    assert ask(f"/decode.png?{query}&signature={signature}") == "wrong_signature"


def test_two_expiries_or_two_signatures_are_refused() -> None:
    query = f"z=1,2&expires={NOW + 60}&expires={NOW - 60}"
    signature = PAIR.sign("/decode.png", query.encode()).decode()
    assert ask(f"/decode.png?{query}&signature={signature}") == "wrong_signature"
    signed = sign_url(TARGET, PAIR)
    assert ask(signed + "&signature=" + signed.rpartition("=")[2]) == "wrong_signature"


PIECES = st.sampled_from(
    [
        b"signature=a",
        b"signature=",
        b"expires=1",
        b"expires=",
        b"z=1,2",
        b"xsignature=1",
        b"expires",
        b"",
        b"=",
    ]
)


@hypothesis.given(st.lists(PIECES, max_size=5))
def test_where_things_stand_changes_nothing_of_the_parts(pieces: list[bytes]) -> None:
    query = b"&".join(pieces)
    assert split_query(query) == signed_urls._split_anyhow(query)


@pytest.mark.parametrize("size", [16, 63, 64, 65, 128])
def test_it_is_an_hmac_with_keys_of_any_size(size: int) -> None:
    key, salt = bytes(range(size)), b"s" * 16
    digest = hmac.digest(key, salt + b"/a?b", "sha256")
    signature = SigningPair(key, salt).sign("/a", b"b")
    assert base64.urlsafe_b64decode(signature + b"=") == digest


def test_the_query_is_split_at_whole_names() -> None:
    split = split_query(b"xsignature=1&signature=a=b&expiresx=2&expires=3&&signature")
    assert split == (
        b"xsignature=1&expiresx=2&&signature",
        b"xsignature=1&expiresx=2&expires=3&&signature",
        [b"a=b"],
        [b"3"],
    )


@pytest.mark.parametrize(
    ("control", "left_s", "expected"),
    [
        (b"public, max-age=31536000, immutable", 60, b"public, max-age=60, immutable"),
        (
            b"public, max-age=60, stale-while-revalidate=60",
            300,
            b"public, max-age=60, stale-while-revalidate=60",
        ),
        (b"public, max-age=60, stale-while-revalidate=60", 119, b"public, max-age=60"),
        (b"public, max-age=60, stale-while-revalidate=60", 7, b"public, max-age=7"),
        (b"public, max-age=10", 1, b"public, max-age=1"),
        (b"no-store", 1, b"no-store"),
    ],
)
def test_no_answer_keeps_longer_than_its_url(control: bytes, left_s: int, expected: bytes) -> None:
    fields = [(b"cache-control", control), (b"etag", b"max-age=99")]
    limit_age(fields, left_s)
    assert fields == [(b"cache-control", expected), (b"etag", b"max-age=99")]
    asking = visit(sign_url(TARGET, PAIR, NOW + left_s))
    check_signature(asking, (PAIR,))
    again = [(b"cache-control", control)]
    asking.finish(again)
    assert again == [(b"cache-control", expected)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        f"{'ab' * 32}",
        f"{'ab' * 32}:",
        f"{'ab' * 15}:{'cd' * 32}",
        f"{'ag' * 32}:{'cd' * 32}",
        f"{'a' * 33}:{'cd' * 32}",
        f"{'ab' * 32}:{'cd' * 129}",
        f"{'ab' * 32}:{'cd' * 32}:",
    ],
)
def test_what_is_no_pair_is_refused_without_being_told(text: str) -> None:
    good = f"{'ab' * 32}:{'cd' * 32}"
    with pytest.raises(
        ValueError, match=r"^entry 2 of 2: expected KEY:SALT, each 16 to 128 bytes in hex"
    ) as caught:
        parse_pairs([good, text])
    assert "abab" not in str(caught.value)
    assert "abab" not in repr(parse_pairs([good]))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("decode.png", "expected a URL with a path"),
        ("http://here", "expected a URL with a path"),
        ("/decode.png?signature=x", "signature: expected none"),
        ("/decode.png?z=1&expires=1", "expires: expected none"),
    ],
)
def test_what_cannot_be_signed_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        sign_url(url, PAIR)


def test_one_that_comes_again_is_asked_for_key_and_expiry_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = sign_url(TARGET, PAIR, NOW + 60)
    assert [ask(signed), ask(signed), ask(signed, OTHER), ask(signed)] == [
        None,
        None,
        "wrong_signature",
        None,
    ]
    monkeypatch.setattr("service.security.signed_urls.time.time", lambda: NOW + 60)
    assert ask(signed) == "expired"


def test_long_ones_are_not_kept() -> None:
    before = signed_urls._verify_kept.cache_info()
    signed = sign_url(f"/decode.png?z={'1,' * 300}1", PAIR)
    assert [ask(signed), ask(signed)] == [None, None]
    assert signed_urls._verify_kept.cache_info() == before


@pytest.mark.parametrize("comes_again", [True, False])
def test_it_costs_at_most_five_microseconds(*, comes_again: bool) -> None:
    points = [0.5] * 20_000 if comes_again else [n / 1000 for n in range(20_000)]
    visits = [
        visit(sign_url(f"/decode.png?z={point},-1.0&scale=4&model=mnist-2d@0123456789ab", PAIR, NOW + 60))
        for point in points
    ]
    fields = [(b"etag", b'"0"'), (b"cache-control", b"public, max-age=60, stale-while-revalidate=60")]
    least = float("inf")
    for start in range(0, len(visits), 1000):
        begun = time.process_time()
        for each in visits[start : start + 1000]:
            check_signature(each, (PAIR,))
            each.finish([*fields])
        least = min(least, (time.process_time() - begun) / 1000)
    assert least < 15e-6  # the figure of docs/security.md, with room for slower machines
