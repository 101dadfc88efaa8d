"""Signatures of URLs: HMAC-SHA256 over path and query, as the client makes them and the service checks them.

The signed text is the salt, the path, `?` and the query without the parameter `signature`.
"""

from __future__ import annotations

import binascii
import functools
import hashlib
import re
from urllib.parse import quote, unquote, urlsplit, urlunsplit

SIGNATURE, EXPIRES = "signature", "expires"
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 128
BLOCK_BYTES = 64  # of SHA-256
# What base64url has in place of two characters of base64, and how long it is without padding.
URL_SAFE, SIGNATURE_BYTES = bytes.maketrans(b"+/", b"-_"), 43
# How many escaped paths are kept, because they come again, and how long such a path may be.
KEPT_PATHS, KEPT_CHARACTERS = 1024, 256
HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
# What RFC 3986 has in a path; anything else is escaped, in one way.
PATH_SAFE = "/!$&'()*+,;=:@"
# What browsers send of a query as it is. They escape the apostrophe.
QUERY_SAFE = "%!$&()*+,;=:@/?"


class SigningPair:
    """A key and a salt, from which it keeps what each HMAC begins with."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        """Hash the key and the salt.

        Args:
            key: Of the HMAC.
            salt: What all signed texts begin with, so that a key may serve several purposes.
        """
        # As RFC 2104 has it: half of the time of `hmac.digest`, which begins with the key each time.
        block = (key if len(key) <= BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + salt)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def sign(self, path: str, query: bytes) -> bytes:
        """Return the signature of a path and a query, as base64url without padding.

        Args:
            path: The path, unescaped.
            query: The query as it stands in the URL, without the signature.
        """
        inner, outer = self._inner.copy(), self._outer.copy()
        escaped = _escape_kept(path) if len(path) <= KEPT_CHARACTERS else _escape(path)
        inner.update(escaped + query)
        outer.update(inner.digest())
        # As `base64.urlsafe_b64encode` does it, in two calls less.
        return binascii.b2a_base64(outer.digest(), newline=False).translate(URL_SAFE)[:SIGNATURE_BYTES]


def _escape(path: str) -> bytes:
    return quote(path, safe=PATH_SAFE).encode() + b"?"


_escape_kept = functools.lru_cache(KEPT_PATHS)(_escape)


def parse_pair(text: str) -> SigningPair:
    """Parse a key and a salt, each in hex, with a colon between them.

    Raises:
        ValueError: It is something else; the message does not hold it.
    """
    parts = text.strip().split(":")
    sizes = range(MIN_KEY_BYTES, MAX_KEY_BYTES + 1)
    if len(parts) != 2 or not all(HEX.fullmatch(part) and len(part) // 2 in sizes for part in parts):
        raise ValueError(
            f"expected KEY:SALT, each {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes in hex, received another text"
        )
    return SigningPair(*map(bytes.fromhex, parts))


def parse_pairs(entries: list[str]) -> tuple[SigningPair, ...]:
    """Parse pairs of key and salt.

    Raises:
        ValueError: One is something else. The message does not hold it.
    """
    pairs = []
    for i, entry in enumerate(entries):
        try:
            pairs.append(parse_pair(entry))
        except ValueError as error:
            raise ValueError(f"entry {i + 1} of {len(entries)}: {error}") from None
    return tuple(pairs)


def sign_url(url: str, pair: SigningPair, expires: int | None = None) -> str:
    """Return a URL with its signature.

    Args:
        url: Of a service, or only path and query. Its path is the one that browsers ask for.
        pair: One of those that the service knows.
        expires: When it ceases to be valid, in seconds since 1970; None: never.

    Raises:
        ValueError: It has a signature or an expiry already, or no path.
    """
    parts = urlsplit(url)
    if not parts.path.startswith("/"):
        raise ValueError(f"expected a URL with a path, received {url!r}")
    pieces = [piece for piece in quote(parts.query, safe=QUERY_SAFE).split("&") if piece]
    for name in (SIGNATURE, EXPIRES):
        if any(piece.partition("=")[0] == name for piece in pieces):
            raise ValueError(f"{name}: expected none in the URL, received one")
    if expires is not None:
        pieces.append(f"{EXPIRES}={expires}")
    path = unquote(parts.path)
    signature = pair.sign(path, "&".join(pieces).encode()).decode()
    query = "&".join([*pieces, f"{SIGNATURE}={signature}"])
    return urlunsplit((parts.scheme, parts.netloc, quote(path, safe=PATH_SAFE), query, ""))
