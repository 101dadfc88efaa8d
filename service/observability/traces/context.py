"""The trace that a request belongs to: what its client says of it, and whether it is recorded."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterable, MutableMapping
from typing import Any, NamedTuple, Protocol

# The key under which a request's scope holds its `Trace`, or None if it is not recorded.
TRACE = "cvae_trace"
# Version, trace, parent, flags (W3C Trace Context, section 3.2); later versions may say more behind these.
TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
NO_TRACE, NO_SPAN = b"0" * 32, b"0" * 16
SAMPLED = 1
# Ratios are kept as a bound of the lower 64 bits of a trace's id, as all of OpenTelemetry does.
ALL = 1 << 64


class Parent(NamedTuple):
    """What a request says of the span that it comes from.

    Attributes:
        trace_id: In hexadecimal digits.
        span_id: In hexadecimal digits.
        sampled: Whether the client records it.
    """

    trace_id: bytes
    span_id: bytes
    sampled: bool


class Trace(NamedTuple):
    """A recorded request's place in its trace.

    Attributes:
        trace_id: 16 bytes.
        span_id: 8 bytes.
        parent_id: 8 bytes, or none where the trace begins here.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes


@dataclasses.dataclass(frozen=True)
class Sampler:
    """Decides which requests are recorded.

    Attributes:
        bound: Traces are recorded whose id has lower 64 bits below this: 0 for none, `ALL` for all.
        heeds_parents: Whether what the client says comes first, if it says anything.
    """

    bound: int = ALL
    heeds_parents: bool = True

    def begin(self, parent: Parent | None) -> Trace | None:
        """Return the place of a request in its trace, or None if it is not recorded."""
        if parent is None:
            # Drawn before the rest: most of what is not recorded costs no more than this.
            low = random.getrandbits(64)
            if low >= self.bound:
                return None
            drawn = random.getrandbits(128)
            trace = (drawn >> 64 or 1).to_bytes(8) + low.to_bytes(8)
            return Trace(trace, (drawn & (ALL - 1) or 1).to_bytes(8), b"")
        if not (parent.sampled if self.heeds_parents else int(parent.trace_id[16:], 16) < self.bound):
            return None
        span = (random.getrandbits(64) or 1).to_bytes(8)
        return Trace(
            bytes.fromhex(str(parent.trace_id, "ascii")), span, bytes.fromhex(str(parent.span_id, "ascii"))
        )


class Tracer(Protocol):
    """Decides, once for each request, whether it is recorded."""

    def begin(self, scope: MutableMapping[str, Any]) -> Trace | None:
        """Return the place of a request in its trace, or None if it is not recorded."""


def read_traceparent(value: bytes) -> Parent | None:
    """Return what the header `traceparent` says, or None if it is invalid, and to be ignored."""
    found = TRACEPARENT.fullmatch(value)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or trace_id == NO_TRACE or span_id == NO_SPAN:
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & SAMPLED))


def find_parent(headers: Iterable[tuple[bytes, bytes]]) -> Parent | None:
    """Return what a request's `traceparent` says, or None if it has none, or several."""
    values = [value for name, value in headers if name == b"traceparent"]
    return read_traceparent(values[0]) if len(values) == 1 else None


def list_ids(scope: MutableMapping[str, Any]) -> dict[str, str | None]:
    """Return the ids of a request and of its trace, for the log."""
    ids: dict[str, str | None] = {"request_id": scope.get("state", {}).get("request_id")}
    tracer: Tracer | None = getattr(getattr(scope.get("app"), "state", None), "tracer", None)
    trace = None if tracer is None else tracer.begin(scope)
    if trace is not None:
        return ids | {"trace_id": trace.trace_id.hex(), "span_id": trace.span_id.hex()}
    parent = find_parent(scope["headers"])
    return ids | {"trace_id": None if parent is None else str(parent.trace_id, "ascii")}
