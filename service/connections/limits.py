"""The limits of a connection: bytes of heads, time for heads and bodies, and clients that do not read.

No protocol here: a `Watch` looks at a connection about once a second, so that no request pays for it.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Protocol

from service.core.settings import Settings

# How long a connection may be idle: longer than clients keep theirs (a minute, or KServe's 65 s), so that
# none sends a request on one that is being closed.
KEEP_ALIVE_S = 75.0
# How long a connection that has been answered and half closed waits for its client to close it as well.
LINGER_S = 2.0

Phase = Literal["answer", "body", "head", "idle", "linger", "new", "write"]


@dataclasses.dataclass(frozen=True)
class SocketLimits:
    """The limits of each connection, and of how many there are.

    Attributes:
        max_head_bytes: Of the request's URL and header lines together.
        head_timeout_s: From a connection's start, or from a head's first byte, to the head's end.
        body_timeout_s: Between two pieces of a body.
        write_timeout_s: While an answer waits, without the client taking a byte of it.
        max_connections: At once, in this process.
    """

    max_head_bytes: int = 65_536
    head_timeout_s: float = 15.0
    body_timeout_s: float = 15.0
    write_timeout_s: float = 30.0
    max_connections: int = 16_384

    @classmethod
    def of(cls, settings: Settings) -> SocketLimits:
        """Return the limits of the settings."""
        return cls(
            settings.max_head_bytes,
            settings.head_timeout_ms / 1000,
            settings.body_timeout_ms / 1000,
            settings.write_timeout_ms / 1000,
            settings.max_connections,
        )

    def timeout_s(self, phase: Phase) -> float:
        """Return how long a connection may stay in a phase without progress."""
        return {
            "answer": float("inf"),  # the request's own deadline ends this
            "body": self.body_timeout_s,
            "head": self.head_timeout_s,
            "idle": KEEP_ALIVE_S,
            "linger": LINGER_S,
            "new": self.head_timeout_s,
            "write": self.write_timeout_s,
        }[phase]


class Watched(Protocol):
    """A connection, as a watch sees it."""

    def phase(self) -> tuple[Phase, Any]:
        """Return the phase of the connection, and a value that changes with each progress."""


class Watch:
    """Finds out when a connection has been in one phase for too long.

    Attributes:
        since: When the connection was first seen as it is now.
    """

    def __init__(self, limits: SocketLimits) -> None:
        self.limits = limits
        self.since = 0.0
        self._seen: tuple[Phase, Any] | None = None

    def look(self, connection: Watched, now: float) -> Phase | None:
        """Return the phase that has taken too long, or None.

        Args:
            connection: The same at each call.
            now: Monotonic, in seconds.
        """
        seen = connection.phase()
        if seen != self._seen:
            self._seen, self.since = seen, now
        return seen[0] if now - self.since >= self.limits.timeout_s(seen[0]) else None
