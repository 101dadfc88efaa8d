"""Where keys come from: the variables and files that the settings name. Imports nothing of HTTP."""

from __future__ import annotations

from typing import NamedTuple

from service.core.errors import StartupError
from service.core.settings import Settings, read_variables
from service.core.url_signature import SigningPair, parse_pairs
from service.security.api_keys import ApiKeys, parse_keys
from service.security.watched_file import Remembered, Secrets

# What clients send; a service that was given this one alone would be open.
CLIENT_KEY, CLIENT_PAIR = "CVAE_API_KEY", "CVAE_SIGNING_KEY"


class Sources(NamedTuple):
    """What opens the service.

    Attributes:
        keys: The API keys, or None if none are asked for.
        pairs: What URLs may be signed with, or None if signatures mean nothing.
    """

    keys: Secrets[ApiKeys] | None
    pairs: Secrets[tuple[SigningPair, ...]] | None


def read_sources(settings: Settings, remembered: Remembered | None = None) -> Sources:
    """Read the keys that the settings name.

    Args:
        settings: Of this process.
        remembered: What files said that may be faulty now; None: a faulty file is refused.

    Raises:
        StartupError: They cannot be read, or are wrong; the message holds none of them.
    """
    keys = pairs = None
    if settings.api_keys or settings.api_keys_file:
        keys = Secrets("CVAE_API_KEYS", settings.api_keys, settings.api_keys_file, parse_keys, remembered)
    if settings.signing_keys or settings.signing_keys_file:
        pairs = Secrets(
            "CVAE_SIGNING_KEYS", settings.signing_keys, settings.signing_keys_file, parse_pairs, remembered
        )
    return Sources(keys, pairs)


def check_sources(settings: Settings) -> None:
    """Refuse to start with wrong keys, or for everyone where a key was meant to be asked for.

    Raises:
        StartupError: See `read_sources`; or there is `CVAE_API_KEY` or `CVAE_SIGNING_KEY`, and no setting of
            the service for it.
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


def forget(settings: Settings) -> Settings:
    """Return the settings of a service that lets everyone in, for the process that asks it itself."""
    gone = {"api_keys": "", "api_keys_file": None, "signing_keys": "", "signing_keys_file": None}
    return settings.model_copy(update=gone)
