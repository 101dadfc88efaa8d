"""The check of who may come in: whoever has an API key with the right scope, or a signed URL."""

from __future__ import annotations

import functools
import re

from service.core.url_signature import SigningPair
from service.security.api_keys import ApiKey, ApiKeys, Scope
from service.security.guard import Fields, Refusal, Visit
from service.security.paths import HEALTH, METRICS
from service.security.signed_urls import UNSIGNED, check_signature, drop_signature
from service.security.watched_file import Source

# What anyone may ask for: health, for whoever runs the service, and pages, which hold nothing of the models.
# The router's patterns end like these, and so take a line feed behind the path.
OPEN = re.compile(
    rf"({'|'.join(map(re.escape, HEALTH))}"
    r"|/(docs|redoc|openapi\.json|favicon\.ico|(playground|static-offline-docs)/.*)?)$"
)
SCRAPED = re.compile(rf"{re.escape(METRICS)}$")
ADMIN = re.compile(r"/admin(/|$)")
KEPT_PATHS, KEPT_CHARACTERS = 1024, 256

REALM = 'Bearer realm="cvae"'
NO_KEY = Refusal(
    401,
    "this needs an API key, as `Authorization: Bearer KEY` or as `X-API-Key: KEY`",
    "no_key",
    {"WWW-Authenticate": REALM},
)
WRONG_KEY = Refusal(
    401,
    "the API key is none of those that are known here",
    "wrong_key",
    {"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
)
NEITHER = UNSIGNED._replace(
    detail="this needs a signed URL, or an API key", headers={"WWW-Authenticate": REALM}
)
CLOSED = Refusal(403, "only signed URLs are answered here", "unsigned")


class Access:
    """Lets in who has a key or a signature; all paths but a few open ones need one."""

    def __init__(self, keys: Source[ApiKeys] | None, pairs: Source[tuple[SigningPair, ...]] | None) -> None:
        """Store what opens.

        Args:
            keys: The API keys, or None if there are none.
            pairs: What URLs may be signed with, or None if signatures mean nothing.
        """
        self._keys, self._pairs = keys, pairs

    def __call__(self, visit: Visit) -> Refusal | None:
        """Return why a request may not come in, or None."""
        needed = find_scope(visit.path)
        if needed is None:
            return None
        signable = self._pairs is not None and needed == "read" and visit.scope["method"] == "GET"
        presented = None if self._keys is None else read_key(visit.fields)
        if self._keys is not None and presented is not None:
            key = self._keys.value.find(presented)
            # One that is not known may be meant for a proxy in front of the service.
            if key is None and signable and self._pairs is not None:
                return None if check_signature(visit, self._pairs.value) is None else WRONG_KEY
            if signable:
                drop_signature(visit.scope)
            return _check_key(visit, key, needed)
        if signable and self._pairs is not None:
            refusal = check_signature(visit, self._pairs.value)
            return NEITHER if refusal is UNSIGNED and self._keys is not None else refusal
        return CLOSED if self._keys is None else NO_KEY


def find_scope(path: str) -> Scope | None:
    """Return the scope that a path needs, or None if it is open."""
    return _find_kept(path) if len(path) <= KEPT_CHARACTERS else _find(path)


def _find(path: str) -> Scope | None:
    if OPEN.match(path):
        return None
    if SCRAPED.match(path):
        return "metrics"
    return "admin" if ADMIN.match(path) else "read"


_find_kept = functools.lru_cache(KEPT_PATHS)(_find)


def read_key(fields: dict[bytes, bytes]) -> bytes | None:
    """Return the key that a request presents, or None.

    `X-API-Key` comes before `Authorization`, which may be for a proxy in front of the service.
    """
    key = fields.get(b"x-api-key")
    if key is not None:
        return key.strip()
    scheme, _, token = fields.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


def _check_key(visit: Visit, key: ApiKey | None, needed: Scope) -> Refusal | None:
    if key is None:
        return WRONG_KEY
    visit.client = f"key:{key.name}"
    if needed not in key.scopes:
        challenge = f'{REALM}, error="insufficient_scope", scope="{needed}"'
        detail = f"the API key lacks the scope {needed}"
        return Refusal(403, detail, "wrong_scope", {"WWW-Authenticate": challenge})
    visit.edit_answer(_keep_private)
    return None


def _keep_private(fields: Fields) -> None:
    """Have no shared cache keep the answer: it would give it to those without a key."""
    for i, (name, value) in enumerate(fields):
        if name.lower() == b"cache-control":
            fields[i] = name, value.replace(b"public", b"private")
