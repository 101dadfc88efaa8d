"""Token buckets, one for each client: how many requests it may still make, in a table of fixed size.

A bucket is one number: when it will be full again (the generic cell rate algorithm). The table is a file that
all workers map, so that a limit counts what all of them answer.

Invariants: the table never grows; a client without a place takes the one of eight that is the nearest to
full, whose client then starts with a full bucket. Workers write without a lock: two that count the same
client in the same microsecond may count one request for two.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import mmap
import os
import pathlib
import time
from collections.abc import Callable

from service.core.configuration.limits import Rate
from service.core.errors import StartupError

# Clients that are counted at once; what is not counted any more needs no place.
PLACES = 2**16
# Places that a client may have, one behind the other.
WAYS = 8
# A place holds the mark of its client and when its bucket will be full: two numbers of eight bytes.
PLACE_BYTES = 16
TABLE_BYTES = PLACES * PLACE_BYTES
FILE = "limits.table"
# How many clients' places are remembered, rather than computed for each request.
REMEMBERED = 2**14
# Sums of floats are not exact.
ROUNDING_S = 1e-6
# Who has one address of IPv6 has all with the same first half.
IPV6_BITS = 64


class Buckets:
    """The buckets of all clients."""

    def __init__(
        self, rate: Rate, table: memoryview | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take a table; an empty one means full buckets.

        Args:
            rate: The limit of each client.
            table: `TABLE_BYTES` that other processes share, or None for a table of this process's own.
            clock: Monotonic, in seconds, the same for all who share the table.
        """
        self._cells = (memoryview(bytearray(TABLE_BYTES)) if table is None else table).cast("d")
        self._clock = clock
        self._places: dict[str, tuple[int, float]] = {}
        self.change(rate)

    def change(self, rate: Rate) -> None:
        """Fill all buckets at another rate from now on; may be called from any thread."""
        # A bucket that is so far from full has no token.
        room_s = rate.interval_s * (rate.burst - 1)
        # None is further from full than this.
        longest_s = rate.interval_s * rate.burst + 2 * ROUNDING_S
        self._spans_s = rate.interval_s, room_s, longest_s

    def take(self, client: str) -> float:
        """Take a token from a client's bucket.

        Returns:
            0, or in how many seconds there will be a token, if there is none.
        """
        now, cells = self._clock(), self._cells
        interval_s, room_s, longest_s = self._spans_s
        place = self._places.get(client) or self._remember(client)
        at = place[0]
        if cells[at] != place[1]:
            at = self._claim(client, place[1])
        full = cells[at + 1]
        if not now < full <= now + longest_s:  # it is full, or of another clock or rate
            full = now
        wait_s = full - now - room_s
        if wait_s > ROUNDING_S:
            return wait_s
        cells[at + 1] = full + interval_s
        return 0.0

    def _remember(self, client: str) -> tuple[int, float]:
        if len(self._places) >= REMEMBERED:
            self._places.clear()
        first, mark = locate(client)
        self._places[client] = first, mark
        return first, mark

    def _claim(self, client: str, mark: float) -> int:
        """Return where a client's bucket is; if it is nowhere, it gets the place of the fullest."""
        first, _ = locate(client)
        cells = self._cells
        choices = range(first, first + 2 * WAYS, 2)
        at = next((at for at in choices if cells[at] == mark), -1)
        if at < 0:
            at = min(choices, key=lambda at: cells[at + 1])
            cells[at], cells[at + 1] = mark, 0.0
        self._places[client] = at, mark
        return at


def locate(client: str) -> tuple[int, float]:
    """Return the first of a client's places in the table, and its mark, which is not 0."""
    digest = hashlib.blake2b(group_clients(client).encode(), digest_size=PLACE_BYTES).digest()
    group = int.from_bytes(digest[:8], "big") % (PLACES // WAYS)
    # A float holds integers of 53 bits.
    return group * WAYS * 2, float(int.from_bytes(digest[8:14], "big") + 1)


def group_clients(client: str) -> str:
    """Return what a client shares its bucket with: of an address of IPv6, the network."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:  # the name of a key, or a digest
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:  # as a socket for both kinds names it
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_BITS), strict=False))


def share_table(folder: pathlib.Path) -> memoryview:
    """Return the table that all workers share.

    Args:
        folder: The folder that they share.

    Raises:
        StartupError: There is no room for it.
    """
    path, own = folder / FILE, folder / f"{FILE}.{os.getpid()}"
    try:
        if not path.exists():
            # Whole before anyone maps it: a write to a page without room on the disk would end the process.
            own.write_bytes(bytes(TABLE_BYTES))
            with contextlib.suppress(FileExistsError):  # another worker was faster
                os.link(own, path)
            own.unlink()
        with path.open("r+b") as file:
            return memoryview(mmap.mmap(file.fileno(), TABLE_BYTES))
    except (OSError, ValueError) as error:
        own.unlink(missing_ok=True)
        raise StartupError(f"{path}: expected room to count requests in: {error}") from error
