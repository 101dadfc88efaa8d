"""The trace that a request belongs to: what its client says of it, and whether it is recorded."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Protocol

# The key under which a request's scope holds its `Trace`, or None if it is not recorded.
TRACE = "cvae_trace"
# Version, trace, parent, flags (W3C Trace Context, section 3.2); later versions may say more behind these.
TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?")
DIGITS, DASHES = b"0123456789abcdef", b"---"
LENGTH, TRACE_ID, SPAN_ID = 55, slice(3, 35), slice(36, 52)
NO_TRACE, NO_SPAN = b"0" * 32, b"0" * 16
# The last digits of flags that say that the client records it.
SAMPLED = frozenset(b"13579bdf")
# Ratios are kept as a bound of the lower 64 bits of a trace's id, as all of OpenTelemetry does.
ALL = 1 << 64

# A recorded request's place in its trace: the ids of the trace (16 bytes), of its span (8 bytes), and of the
# client's span (8 bytes), or none where the trace begins here.
Trace = tuple[bytes, bytes, bytes]

_draw = random.getrandbits


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Decides which requests are recorded.

    Attributes:
        bound: Traces are recorded whose id has lower 64 bits below this: 0 for none, `ALL` for all.
        heeds_parents: Whether what the client says comes first, if it says anything.
    """

    bound: int = ALL
    heeds_parents: bool = True

    def begin(self, parent: bytes | None) -> Trace | None:
        """Return the place of a request in its trace, or None if it is not recorded.

        Args:
            parent: From `find_parent`.
        """
        if parent is None:
            if self.bound == ALL:
                drawn = _draw(192).to_bytes(24)
                return drawn[:16], drawn[16:], b""
            # Drawn before the rest: most of what is not recorded costs no more than this.
            low = _draw(64)
            if low >= self.bound:
                return None
            drawn = _draw(128).to_bytes(16)
            return drawn[:8] + low.to_bytes(8), drawn[8:], b""
        if self.heeds_parents:
            if parent[-1] not in SAMPLED:
                return None
        elif int(parent[19:35], 16) >= self.bound:
            return None
        ids = bytes.fromhex(str(parent[TRACE_ID] + parent[SPAN_ID], "ascii"))
        return ids[:16], _draw(64).to_bytes(8), ids[16:]


class Tracer(Protocol):
    """Decides, once for each request, whether it is recorded."""

    def begin(self, scope: MutableMapping[str, Any]) -> Trace | None:
        """Return the place of a request in its trace, or None if it is not recorded."""


def read_traceparent(value: bytes) -> bytes | None:
    """Return what the header `traceparent` says, in the first version's words, or None if it is invalid."""
    # As nearly all are; the pattern takes four times as long.
    is_usual = len(value) == LENGTH and value[:3] == b"00-" and value.translate(None, DIGITS) == DASHES
    if not (is_usual and value[35] == value[52] == DASHES[0]):
        found = None if value[:2] == b"00" else TRACEPARENT.fullmatch(value)
        if found is None:
            return None
        value = b"00" + found[1]
    return None if value[TRACE_ID] == NO_TRACE or value[SPAN_ID] == NO_SPAN else value


def find_parent(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return what a request's `traceparent` says, or None if it has none, or several."""
    value = None
    for field in headers:
        if field[0] == b"traceparent":
            if value is not None:
                return None
            value = field[1]
    return None if value is None else read_traceparent(value)


def list_ids(scope: MutableMapping[str, Any]) -> dict[str, str | None]:
    """Return the ids of a request and of its trace, for the log."""
    ids: dict[str, str | None] = {"request_id": scope.get("state", {}).get("request_id")}
    tracer: Tracer | None = getattr(getattr(scope.get("app"), "state", None), "tracer", None)
    trace = None if tracer is None else tracer.begin(scope)
    if trace is not None:
        return ids | {"trace_id": trace[0].hex(), "span_id": trace[1].hex()}
    parent = find_parent(scope["headers"])
    return ids | {"trace_id": None if parent is None else str(parent[TRACE_ID], "ascii")}
