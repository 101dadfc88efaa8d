"""Signed URLs: the query of a request has an HMAC of its path and query, and perhaps an expiry.

Invariants: what comes after the guard sees neither of the two, so that tags and caches are the same for all
signatures; no answer says that it keeps longer than its URL is valid.
"""

from __future__ import annotations

import functools
import hmac
import time
from collections.abc import MutableMapping, Sequence
from typing import Any, NamedTuple

from service.core.url_signature import EXPIRES, SIGNATURE, SigningPair
from service.http.problems import Fault
from service.security.guard import Fields, Refusal, Visit

SIGNATURE_START, EXPIRES_START = f"{SIGNATURE}=".encode(), f"{EXPIRES}=".encode()
# Where `sign_url` puts them.
LAST_SIGNATURE, LAST_EXPIRES = b"&" + SIGNATURE_START, b"&" + EXPIRES_START
MAX_DIGITS = 12
UNSIGNED = Refusal(403, "this needs a signed URL", "unsigned")


class Split(NamedTuple):
    """A query in parts.

    Attributes:
        plain: Without signature and expiry.
        signed: Without the signature.
        signatures: All there are.
        expiries: All there are.
    """

    plain: bytes
    signed: bytes
    signatures: list[bytes]
    expiries: list[bytes]


def split_query(query: bytes) -> Split:
    """Return the parts of a query."""
    signed, found, signature = query.rpartition(LAST_SIGNATURE)
    if found and SIGNATURE_START not in signed and b"&" not in signature:
        plain, dated, expiry = signed.rpartition(LAST_EXPIRES)
        if not dated:
            if EXPIRES_START not in signed:
                return Split(signed, signed, [signature], [])
        elif EXPIRES_START not in plain and b"&" not in expiry:
            return Split(plain, signed, [signature], [expiry])
    return _split_anyhow(query)


def _split_anyhow(query: bytes) -> Split:
    signed, plain = [], []
    signatures, expiries = [], []
    for part in query.split(b"&"):
        if part.startswith(SIGNATURE_START):
            signatures.append(part[len(SIGNATURE_START) :])
            continue
        signed.append(part)
        if part.startswith(EXPIRES_START):
            expiries.append(part[len(EXPIRES_START) :])
        else:
            plain.append(part)
    return Split(b"&".join(plain), b"&".join(signed), signatures, expiries)


def drop_signature(scope: MutableMapping[str, Any]) -> None:
    """Take the signature and the expiry out of a request's query, whether they are right or not."""
    scope["query_string"] = split_query(scope["query_string"]).plain


def check_signature(visit: Visit, pairs: Sequence[SigningPair]) -> Refusal | None:
    """Return why a URL does not let its request in, or None; then the two are no longer in its query."""
    scope = visit.scope
    split = split_query(scope["query_string"])
    scope["query_string"] = split.plain
    if not split.signatures:
        return UNSIGNED
    if not _is_signed(scope["path"], split, pairs):
        return _blame(SIGNATURE, "that of this path and query", "another", "wrong_signature")
    if not split.expiries:
        return None
    if len(split.expiries) > 1 or not _is_time(split.expiries[0]):
        return _blame(EXPIRES, "seconds since 1970", "another text", "wrong_signature")
    left_s = int(split.expiries[0]) - int(time.time())
    if left_s <= 0:
        return _blame(EXPIRES, "a time that is to come", "one that is over", "expired")
    visit.edit_answer(lambda fields: limit_age(fields, left_s))
    return None


def limit_age(fields: Fields, left_s: int) -> None:
    """Have no cache keep an answer longer than so many seconds."""
    for i, (name, value) in enumerate(fields):
        if name.lower() == b"cache-control":
            fields[i] = name, _limit(value, left_s)


@functools.lru_cache(256)
def _limit(control: bytes, left_s: int) -> bytes:
    kept, age = [], 0
    for part in control.split(b", "):
        name, _, seconds = part.partition(b"=")
        if name == b"max-age":
            age = min(int(seconds), left_s)
            part = b"max-age=%d" % age
        elif name == b"stale-while-revalidate" and age + int(seconds) > left_s:
            continue
        kept.append(part)
    return b", ".join(kept)


def _is_signed(path: str, split: Split, pairs: Sequence[SigningPair]) -> bool:
    if len(split.signatures) != 1:
        return False
    # All pairs are tried, so that the time says nothing of which one it was.
    found = False
    for pair in pairs:
        found |= hmac.compare_digest(pair.sign(path, split.signed), split.signatures[0])
    return found


def _is_time(text: bytes) -> bool:
    return text.isdigit() and len(text) <= MAX_DIGITS


def _blame(field: str, expected: str, received: str, reason: str) -> Refusal:
    fault = Fault(field=field, expected=expected, received=received)
    return Refusal(403, f"{field}: expected {expected}, received {received}", reason, faults=[fault])
