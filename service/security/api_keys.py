"""API keys: parsed into hashes, and found again by what a request presents."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Scope = Literal["read", "admin", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
HASH = "sha256:"
MIN_CHARACTERS, MAX_CHARACTERS = 16, 256
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
# The characters of a bearer token (RFC 6750).
KEY = re.compile(rf"[A-Za-z0-9._~+/-]{{{MIN_CHARACTERS - 2},{MAX_CHARACTERS}}}={{0,2}}")
HASHED = re.compile("sha256:([0-9a-f]{64})", re.IGNORECASE)
ENTRY = "expected KEY or NAME:SCOPES:KEY"
NEW_KEY_BYTES = 32


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the key itself is not.

    Attributes:
        name: What the operator calls it, for limits; several keys may have one name.
        scopes: What it opens.
        digest: Its SHA-256.
    """

    name: str
    scopes: frozenset[Scope]
    digest: bytes = dataclasses.field(repr=False)


class ApiKeys:
    """The keys that are known, by their hashes."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys: Mapping[bytes, ApiKey] = {key.digest: key for key in keys}

    def find(self, presented: bytes) -> ApiKey | None:
        """Return the key that a request presents, or None if it is not known."""
        digest = hashlib.sha256(presented).digest()
        # How long the search takes depends on a hash, of which nobody can choose even the first bytes; what
        # is found is then compared as a whole.
        key = self._keys.get(digest)
        return key if key is not None and hmac.compare_digest(key.digest, digest) else None

    def __len__(self) -> int:
        return len(self._keys)


def parse_keys(entries: list[str]) -> ApiKeys:
    """Parse keys.

    Args:
        entries: Each `KEY`, which opens what has the scope `read`, or `NAME:SCOPES:KEY` with scopes joined by
            `+`. The key is itself or `sha256:` and its hash in hex.

    Raises:
        ValueError: One is something else. The message does not hold it.
    """
    keys: dict[bytes, ApiKey] = {}
    for i, entry in enumerate(entries):
        try:
            key = _parse_key(entry)
            if key.digest in keys:
                raise ValueError("expected another key than those before it, received one of them")
        except ValueError as error:
            raise ValueError(f"entry {i + 1} of {len(entries)}: {error}") from None
        keys[key.digest] = key
    return ApiKeys(keys.values())


def _parse_key(entry: str) -> ApiKey:
    name, colon, rest = entry.partition(":")
    scopes, more, text = rest.partition(":")
    if HASHED.fullmatch(entry) or not colon:
        name, scopes, text = "", "read", entry
    elif not more:
        raise ValueError(f"{ENTRY}, received two parts")
    elif not NAME.fullmatch(name):
        raise ValueError("NAME: expected 1 to 64 letters, digits and . _ -, received others")
    digest = _parse_digest(text)
    return ApiKey(name or f"key-{digest.hex()[:8]}", _parse_scopes(scopes), digest)


def _parse_scopes(text: str) -> frozenset[Scope]:
    parts = text.split("+")
    if not set(parts) <= set(SCOPES):
        # What was written there may be a key in the wrong place.
        raise ValueError(f"SCOPES: expected some of {', '.join(SCOPES)}, joined by +, received others")
    return frozenset(scope for scope in SCOPES if scope in parts)


def _parse_digest(text: str) -> bytes:
    if hashed := HASHED.fullmatch(text):
        return bytes.fromhex(hashed[1])
    if text.lower().startswith(HASH):
        raise ValueError(f"KEY: expected 64 hex digits after {HASH}, received another text")
    if not KEY.fullmatch(text) or len(text) < MIN_CHARACTERS:
        raise ValueError(
            f"KEY: expected {MIN_CHARACTERS} to {MAX_CHARACTERS} letters, digits and . _ ~ + / -, "
            f"received {len(text)} characters"
        )
    return hashlib.sha256(text.encode()).digest()


def create_key() -> str:
    """Return a new key, of 256 random bits; its beginning says what it is to whoever finds it."""
    return f"cvae_{secrets.token_urlsafe(NEW_KEY_BYTES)}"


def write_entry(name: str, scopes: Iterable[str], key: str) -> str:
    """Return the entry of a key, with its hash in place of the key."""
    return f"{name}:{'+'.join(scopes)}:{HASH}{hashlib.sha256(key.encode()).hexdigest()}"
