"""Owns what a connection may cost: bytes of heads, time of heads and bodies, readers that do not read.

No protocol here: a `Watch` looks at a connection about once a second, so that requests cost nothing for it.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Protocol

from service.core.settings import Settings

# Idle connections: longer than callers keep theirs (a minute, or KServe's 65 s), so that none sends a request
# on one that is being closed.
KEEP_ALIVE_S = 75.0
# How long a connection that has been answered and half closed waits for its client to close it as well.
LINGER_S = 2.0

Phase = Literal["answer", "body", "head", "idle", "linger", "new", "write"]


@dataclasses.dataclass(frozen=True)
class SocketLimits:
    """The bounds of each connection, and of how many there are.

    Attributes:
        max_head_bytes: Of the request's URL and header lines together.
        head_timeout_s: From a connection's start, or from a head's first byte, to the head's end.
        body_timeout_s: Between two pieces of a body.
        write_timeout_s: Without a byte taken by a client for whom an answer waits.
        max_connections: At once, in this process.
    """

    max_head_bytes: int = 65_536
    head_timeout_s: float = 15.0
    body_timeout_s: float = 15.0
    write_timeout_s: float = 30.0
    max_connections: int = 16_384

    @classmethod
    def of(cls, settings: Settings) -> SocketLimits:
        """Return the limits that an operator has set."""
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
            "answer": float("inf"),  # the deadline of requests is elsewhere
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
        """Return what the connection is at, and something that is another after each progress."""


class Watch:
    """Tells when a connection has been too long in one phase.

    Attributes:
        since: When it was first seen as it is now.
    """

    def __init__(self, limits: SocketLimits) -> None:
        """Store the limits."""
        self.limits = limits
        self.since = 0.0
        self._seen: tuple[Phase, Any] | None = None

    def look(self, connection: Watched, now: float) -> Phase | None:
        """Return the phase whose time is over, if it is.

        Args:
            connection: Always the same.
            now: Monotonic, in seconds.
        """
        seen = connection.phase()
        if seen != self._seen:
            self._seen, self.since = seen, now
        return seen[0] if now - self.since >= self.limits.timeout_s(seen[0]) else None
