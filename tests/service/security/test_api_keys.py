"""Keys: how they are written, what is refused, and that neither repr nor message holds one."""

from __future__ import annotations

import hashlib

import pytest

from service.security.api_keys import KEY, SCOPES, create_key, parse_keys, write_entry

SECRET = "correct-horse-battery-staple"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()


@pytest.mark.parametrize(
    ("entry", "name", "scopes"),
    [
        (SECRET, f"key-{DIGEST[:8]}", {"read"}),
        (f"sha256:{DIGEST}", f"key-{DIGEST[:8]}", {"read"}),
        (f"web:read:{SECRET}", "web", {"read"}),
        (f"web:read:sha256:{DIGEST}", "web", {"read"}),
        (f"web:read:SHA256:{DIGEST.upper()}", "web", {"read"}),
        (f"ops.1:admin+metrics:{SECRET}", "ops.1", {"admin", "metrics"}),
        (f"all:metrics+read+admin+read:{SECRET}", "all", set(SCOPES)),
    ],
)
def test_a_key_is_found_by_itself_alone(entry: str, name: str, scopes: set[str]) -> None:
    key = parse_keys([entry]).find(SECRET.encode())
    assert key is not None
    assert key.name == name
    assert set(key.scopes) == scopes
    for other in (SECRET[:-1], SECRET + "x", "", DIGEST, f"sha256:{DIGEST}", entry + " ", "é" * 20):
        assert parse_keys([entry]).find(other.encode()) is None, other


def test_several_keys_hold_at_once_also_of_one_name() -> None:
    keys = parse_keys([f"web:read:{SECRET}", f"web:read:{SECRET}2", f"ops:admin:{SECRET}3"])
    assert len(keys) == 3
    found = [keys.find((SECRET + end).encode()) for end in ("", "2", "3")]
    assert [key and key.name for key in found] == ["web", "web", "ops"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("short", "KEY: expected 16 to 256 letters"),
        ("x" * 300, "KEY: expected 16 to 256 letters"),
        ("with-an-umlaut-ä-in-it", "KEY: expected 16"),
        ("=" * 20, "KEY: expected 16"),
        (f"web:{SECRET}", "expected KEY or NAME:SCOPES:KEY, received two parts"),
        (f"web:write:{SECRET}", "SCOPES: expected some of read, admin, metrics"),
        (f"web::{SECRET}", "SCOPES: expected"),
        (f"web:read+:{SECRET}", "SCOPES: expected"),
        (f":read:{SECRET}", "NAME: expected"),
        (f"a/b:read:{SECRET}", "NAME: expected"),
        (f"{SECRET * 3}:read:x", "NAME: expected"),
        ("web:read:", "KEY: expected"),
        ("web:read:sha256:1234", "KEY: expected 64 hex digits after sha256:"),
        ("sha256:" + "g" * 64, "expected"),
        (f"web:read:{SECRET}:more", "KEY: expected"),
    ],
)
def test_what_is_no_key_is_refused_without_being_told(entry: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^entry 2 of 2: {reason.replace('+', '[+]')}") as caught:
        parse_keys([f"ok:read:{SECRET}9", entry])
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_same_key_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="entry 2 of 2: expected another key"):
        parse_keys([f"a:read:{SECRET}", f"b:admin:sha256:{DIGEST}"])


def test_no_repr_holds_a_key_or_its_hash() -> None:
    keys = parse_keys([SECRET])
    text = repr(keys) + repr(keys.find(SECRET.encode()))
    assert SECRET not in text
    assert hashlib.sha256(SECRET.encode()).digest().hex() not in text


def test_a_new_key_is_one_and_its_entry_opens_to_it() -> None:
    first, second = create_key(), create_key()
    assert first != second
    assert KEY.fullmatch(first)
    entry = write_entry("web", ["read", "metrics"], first)
    assert first not in entry
    key = parse_keys([entry]).find(first.encode())
    assert key is not None
    assert key.scopes == {"read", "metrics"}
    assert parse_keys([entry]).find(second.encode()) is None
