"""Parse the values that operators write for settings: `16m`, `~`, lists, origins of pages, proxies."""

from __future__ import annotations

import ipaddress
import json
import pathlib
import re

UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
SIZE = re.compile(r"([0-9]+) ?([kmg]?)(?:i?b)?", re.IGNORECASE)
# A host is letters, digits and hyphens, or an address; browsers write other letters as xn--.
ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?"
)
# Browsers leave these out.
DEFAULT_PORTS = {"http": "80", "https": "443"}
ALL = "*"
# A day; the system calls that wait refuse some weeks.
MAX_MS = 86_400_000
# Settings that are words, and are understood in any case.
WORDS = {
    "admin",
    "workers",
    "provider",
    "playground",
    "log_format",
    "log_level",
    "rate_limit_on_error",
    "resource_policy",
    "watch_models",
}
PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def tidy(name: str, value: str) -> str:
    """Return a setting's value ready for its type, as people write it."""
    if name in WORDS:
        return value.lower()
    if name.endswith(("_bytes", "_memory")):
        return read_size(value)
    if name.endswith(("_dir", "_file")):
        return read_folder(value)
    return read_host(value) if name == "host" else value


def read_size(text: str) -> str:
    """Return bytes as digits, of a number that may have a unit: `16m` is 16 MiB.

    Args:
        text: A text that is no size is returned as it is, for the setting's type to refuse.
    """
    found = SIZE.fullmatch(text)
    return str(int(found[1]) * UNITS[found[2].lower()]) if found else text


def read_folder(text: str) -> str:
    """Return a path with `~` as the home folder.

    Raises:
        ValueError: There is no such home.
    """
    try:
        return str(pathlib.Path(text).expanduser())
    except RuntimeError as error:
        raise ValueError("expected a folder; ~ stands for no home here") from error


def read_host(text: str) -> str:
    """Return an address as sockets take it: IPv6 may come in brackets, as in a URL."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def split_list(text: str) -> list[str]:
    """Return the parts of a list that is written with commas or spaces, or as JSON.

    Raises:
        ValueError: It begins like JSON and is no JSON list of texts.
    """
    if not text.startswith("["):
        return [part for part in re.split(r"[,\s]+", text) if part]
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        parts = None
    # One IPv6 address begins like a list too.
    if parts is None and text.endswith("]") and ":" in text and '"' not in text:
        return [text]
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("expected texts separated by commas, or a JSON list of texts")
    return [part.strip() for part in parts if part.strip()]


def read_origin(text: str) -> str:
    """Return the origin of a page as browsers send it: small letters, no path, no default port.

    Args:
        text: An origin, `null` or `*`.

    Raises:
        ValueError: It could never be equal to what a browser sends.
    """
    plain = text.lower()
    if plain in (ALL, "null"):
        return plain
    found = ORIGIN.fullmatch(plain)
    if found is None:
        raise ValueError(
            f"expected origins such as https://page.example:8443, with a scheme and without a path or a "
            f"wildcard, or * for all, found {text!r}"
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in (None, DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


def read_proxy(text: str) -> str:
    """Return the address or network of a proxy.

    Args:
        text: `10.0.0.7`, `10.0.0.0/8`, the same of IPv6, or `*`.

    Raises:
        ValueError: It is none of these.
    """
    if text == ALL:
        return text
    try:
        return str(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(read_host(text)))
    except ValueError as error:
        raise ValueError(
            f"expected addresses or networks such as 10.0.0.0/8, or * for all, found {text!r}: {error}"
        ) from error


def read_prefix(text: str) -> str:
    """Return the path that a proxy serves this service under: `/cvae`, or nothing.

    Raises:
        ValueError: It has characters that a URL would have to escape, or two slashes in a row.
    """
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if not PREFIX.fullmatch(prefix):
        raise ValueError("expected a path such as /cvae, of letters, digits and . _ ~ -")
    return prefix
