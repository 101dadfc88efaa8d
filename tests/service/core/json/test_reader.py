from __future__ import annotations

import json

import orjson
import pytest

from service.core.errors import TooLargeError
from service.core.json import reader
from service.core.json.reader import Limit, parse

LIMIT = Limit(2 * 1024 * 1024, "; send less")


def refuse_to_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (orjson, json):
        monkeypatch.setattr(module, "loads", lambda *_: pytest.fail("it was parsed"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"1" * (LIMIT.max_bytes + 1), "at most 2097152 bytes of JSON; send less, received 2097153"),
        (b"[" + b"1," * 262_145, "at most 262144 values in JSON; send less, received 262145"),
        (b"[]" * 65_537, "at most 65536 lists, objects and fields in JSON; send less, received 65537"),
        (b"{}" * 65_537, "at most 65536 lists"),
        (b'"":' * 65_537, "at most 65536 lists"),
        (b"[" * 65_537, "at most 65536 lists"),
    ],
)
def test_too_much_is_refused_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    refuse_to_parse(monkeypatch)
    with pytest.raises(TooLargeError, match=f"^body: expected {says}"):
        parse(content, LIMIT)


def test_what_just_fits_is_parsed() -> None:
    assert len(parse(b"[" + b"1," * 262_144 + b"1]", LIMIT)) == 262_145
    assert len(parse(b"[" + b"[]," * 65_534 + b"[]]", LIMIT)) == 65_535
    assert parse(b"[]", Limit(2)) == []


def test_a_small_limit_still_lets_a_dense_text_pass() -> None:
    content = b'[{"a":{}},{"a":{}},[[[[]]]]]'
    assert parse(content, Limit(len(content))) == json.loads(content)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551616", 2.0**64),
        (b"-9223372036854775809", -(2.0**63)),
        (b"9" * 300, 1e300),
        (b"9" * 5000, float("inf")),
        (b"-1" + b"0" * 400, float("-inf")),
        (b"1e400", float("inf")),
    ],
)
def test_integers_beyond_64_bits_are_floats_whoever_parses(text: bytes, value: float) -> None:
    found, beside_nan = parse(text, LIMIT), parse(b"[NaN," + text + b"]", LIMIT)[1]
    assert found == beside_nan == pytest.approx(value)
    assert type(found) is type(beside_nan) is type(value)


def test_a_long_text_is_not_parsed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "SECOND_BYTES", 10)
    assert parse(b"[NaN]", LIMIT) != []
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed again"))
    with pytest.raises(json.JSONDecodeError) as caught:
        parse(b"[1,2,3,4,NaN]", LIMIT)
    assert caught.value.pos == 9
