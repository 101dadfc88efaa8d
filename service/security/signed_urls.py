"""Signed URLs: the query of a request has an HMAC of its path and query, and perhaps an expiry.

Invariants: what comes after the guard sees neither of the two, so that tags and caches are the same for all
signatures; no answer says that it keeps longer than its URL is valid.
"""

from __future__ import annotations

import functools
import hmac
import time
from collections.abc import MutableMapping, Sequence
from typing import Any

from service.core.url_signature import EXPIRES, SIGNATURE, SigningPair
from service.http.problems import Fault
from service.security.guard import Fields, Refusal, Visit

SIGNATURE_START, EXPIRES_START = f"{SIGNATURE}=".encode(), f"{EXPIRES}=".encode()
# Where `sign_url` puts them.
LAST_SIGNATURE, LAST_EXPIRES = b"&" + SIGNATURE_START, b"&" + EXPIRES_START
MAX_DIGITS = 12
# How many signed URLs are kept with what was found of them, and how long such a one may be.
KEPT, KEPT_CHARACTERS = 1024, 512
CACHE_CONTROL = b"cache-control"
UNSIGNED = Refusal(403, "this needs a signed URL", "unsigned")


# A query in parts: without signature and expiry, without the signature, all signatures, and all expiries.
Split = tuple[bytes, bytes, list[bytes], list[bytes]]
# Of a path and query: the query without signature and expiry, why it lets nobody in, or None, and until when.
Verdict = tuple[bytes, Refusal | None, int | None]


def split_query(query: bytes) -> Split:
    """Return the parts of a query."""
    signed, found, signature = query.rpartition(LAST_SIGNATURE)
    if found and SIGNATURE_START not in signed and b"&" not in signature:
        plain, dated, expiry = signed.rpartition(LAST_EXPIRES)
        if not dated:
            if EXPIRES_START not in signed:
                return signed, signed, [signature], []
        elif EXPIRES_START not in plain and b"&" not in expiry:
            return plain, signed, [signature], [expiry]
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
    return b"&".join(plain), b"&".join(signed), signatures, expiries


def drop_signature(scope: MutableMapping[str, Any]) -> None:
    """Take the signature and the expiry out of a request's query, whether they are right or not."""
    scope["query_string"] = split_query(scope["query_string"])[0]


def check_signature(visit: Visit, pairs: tuple[SigningPair, ...]) -> Refusal | None:
    """Return why a URL does not let its request in, or None; then the two are no longer in its query."""
    scope = visit.scope
    path, query = scope["path"], scope["query_string"]
    verify = _verify_kept if len(path) + len(query) <= KEPT_CHARACTERS else _verify
    scope["query_string"], refusal, expires = verify(path, query, pairs)
    if refusal is not None or expires is None:
        return refusal
    left_s = expires - int(time.time())
    if left_s <= 0:
        return _blame(EXPIRES, "a time that is to come", "one that is over", "expired")
    visit.edit_answer(functools.partial(limit_age, left_s=left_s))
    return None


def _verify(path: str, query: bytes, pairs: tuple[SigningPair, ...]) -> Verdict:
    plain, signed, signatures, expiries = split_query(query)
    if not signatures:
        return plain, UNSIGNED, None
    if not _is_signed(path, signed, signatures, pairs):
        return plain, _blame(SIGNATURE, "that of this path and query", "another", "wrong_signature"), None
    if not expiries:
        return plain, None, None
    if len(expiries) > 1 or not expiries[0].isdigit() or len(expiries[0]) > MAX_DIGITS:
        return plain, _blame(EXPIRES, "seconds since 1970", "another text", "wrong_signature"), None
    return plain, None, int(expiries[0])


# Pages have the same pictures for all who see them. What is kept is found by a hash of all its bytes, with a
# key of this process: the time tells nothing of a part of a signature. Other pairs are other entries.
_verify_kept = functools.lru_cache(KEPT)(_verify)


def limit_age(fields: Fields, left_s: int) -> None:
    """Have no cache keep an answer longer than so many seconds.

    Args:
        fields: The answer's header fields; names are in small letters, as ASGI has them.
        left_s: From now.
    """
    for i, field in enumerate(fields):
        if field[0] == CACHE_CONTROL:
            fields[i] = CACHE_CONTROL, _limit(field[1], left_s)


@functools.lru_cache(KEPT)
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


def _is_signed(path: str, signed: bytes, signatures: Sequence[bytes], pairs: Sequence[SigningPair]) -> bool:
    if len(signatures) != 1:
        return False
    # All pairs are tried, so that the time says nothing of which one it was.
    found = False
    for pair in pairs:
        found |= hmac.compare_digest(pair.sign(path, signed), signatures[0])
    return found


def _blame(field: str, expected: str, received: str, reason: str) -> Refusal:
    fault = Fault(field=field, expected=expected, received=received)
    return Refusal(403, str(fault), reason, faults=[fault])
