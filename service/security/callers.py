"""Names of callers that no key names, for limits: addresses, and what proxies write in place of one.

Invariant: whatever a header field says, a name is short and never that of a key.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress

# Of IPv6 with an address of IPv4 in it; what is longer is none, but for names of zones.
LONGEST_ADDRESS = 45
KEPT = 4096
OTHER = "other:"
DIGEST_BYTES = 16


def name_caller(address: str) -> str:
    """Return the name of a caller: an IP address as it is, of anything else a digest."""
    return _name_kept(address) if len(address) <= LONGEST_ADDRESS else _digest(address)


@functools.lru_cache(KEPT)
def _name_kept(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return _digest(address)
    return address


def _digest(text: str) -> str:
    content = text.encode(errors="surrogatepass")
    return OTHER + hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
