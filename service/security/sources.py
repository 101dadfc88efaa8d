"""Where keys and limits come from: variables and files that the settings name. Imports nothing of HTTP."""

from __future__ import annotations

from typing import NamedTuple

from service.core.configuration.limits import Rate, read_rate
from service.core.errors import StartupError
from service.core.settings import Settings, read_variables
from service.core.url_signature import SigningPair, parse_pairs
from service.security.api_keys import ApiKeys, parse_keys
from service.security.watched_file import Remembered, Source

# What clients send; a service that was given this one alone would be open.
CLIENT_KEY, CLIENT_PAIR = "CVAE_API_KEY", "CVAE_SIGNING_KEY"


class Sources(NamedTuple):
    """What opens the service, and how often.

    Attributes:
        keys: The API keys, or None if none are asked for.
        pairs: What URLs may be signed with, or None if signatures mean nothing.
        rate: How many requests each client may make, or None if any.
    """

    keys: Source[ApiKeys] | None
    pairs: Source[tuple[SigningPair, ...]] | None
    rate: Source[Rate] | None


def read_sources(settings: Settings, remembered: Remembered | None = None) -> Sources:
    """Read the keys and the limit that the settings name.

    Args:
        settings: Of this process.
        remembered: What files said that may be faulty now; None: a faulty file is refused.

    Raises:
        StartupError: They cannot be read, or are wrong; the message holds none of them.
    """
    keys = pairs = rate = None
    if settings.api_keys or settings.api_keys_file:
        keys = Source("CVAE_API_KEYS", settings.api_keys, settings.api_keys_file, parse_keys, remembered)
    if settings.signing_keys or settings.signing_keys_file:
        pairs = Source(
            "CVAE_SIGNING_KEYS", settings.signing_keys, settings.signing_keys_file, parse_pairs, remembered
        )
    if settings.rate_limit or settings.rate_limit_file:
        rate = Source(
            "CVAE_RATE_LIMIT",
            settings.rate_limit,
            settings.rate_limit_file,
            lambda entries: read_rate(" ".join(entries), settings.rate_burst),
            remembered,
        )
    return Sources(keys, pairs, rate)


def check_sources(settings: Settings) -> None:
    """Refuse to start with wrong keys or limits, or for everyone where a key or a limit was meant.

    Raises:
        StartupError: See `read_sources`; or there is `CVAE_API_KEY` or `CVAE_SIGNING_KEY`, and no setting of
            the service for it, or something about a limit, and no limit.
    """
    sources = read_sources(settings)
    given = read_variables()
    for found, name, expected in (
        (sources.keys, CLIENT_KEY, "CVAE_API_KEYS"),
        (sources.pairs, CLIENT_PAIR, "CVAE_SIGNING_KEYS"),
    ):
        if found is None and given.get(name):
            raise StartupError(
                f"{name}: this is what clients have; a service expects {expected} or {expected}_FILE, "
                "received neither"
            )
    for name in ("rate_burst", "rate_limit_redis"):
        if sources.rate is None and getattr(settings, name):
            raise StartupError(
                f"CVAE_{name.upper()}: expected CVAE_RATE_LIMIT or CVAE_RATE_LIMIT_FILE beside it, "
                "received neither"
            )


def forget(settings: Settings) -> Settings:
    """Return the settings of a service that lets everyone in, for the process that asks it itself."""
    names = "api_keys", "signing_keys", "rate_limit"
    gone = dict.fromkeys(names, "") | {f"{name}_file": None for name in names}
    return settings.model_copy(update=gone)
