"""Heads of requests that have come before: the parser makes the same of the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD_END = b"\r\n\r\n"
# A browser's or a client's head, and as many kinds of them as are about at one time.
MAX_HEAD_BYTES, MAX_HEADS = 4096, 256
# Header fields that are another for each request, so that a head with one will not come again.
IDENTIFYING = {
    *(b"b3", b"baggage", b"cf-ray", b"forwarded", b"traceparent", b"tracestate", b"via", b"x-amzn-trace-id"),
    *(b"x-b3-parentspanid", b"x-b3-sampled", b"x-b3-spanid", b"x-b3-traceid", b"x-cloud-trace-context"),
    *(b"x-correlation-id", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port"),
    *(b"x-forwarded-proto", b"x-real-ip", b"x-request-id", b"x-request-start"),
}


class HeadCache:
    """The scopes of heads that are known, for one process."""

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[dict[str, Any], int]] = {}

    def recall(self, data: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Return a copy of the scope of a request that has come before, but for its body.

        Args:
            data: What came, where a request may begin.

        Returns:
            The scope, without what is the connection's, and the body; or None for the parser to look at.
        """
        head, end, body = data.partition(HEAD_END)
        known = self._heads.get(head)
        if known is None or not end or len(body) != known[1]:
            return None
        return {**known[0], "headers": [*known[0]["headers"]]}, body

    def learn(self, data: bytes, scope: Mapping[str, Any], body: bytes) -> None:
        """Keep the scope of a request.

        Args:
            data: What came when it began; only if that is just this request, its head will be known.
            scope: What the parser made of it.
            body: Whole.
        """
        head, _, rest = data.partition(HEAD_END)
        if rest != body or head in self._heads or len(head) > MAX_HEAD_BYTES:
            return
        if not IDENTIFYING.isdisjoint(name for name, _ in scope["headers"]):
            return
        if len(self._heads) == MAX_HEADS:
            self._heads.clear()
        self._heads[head] = dict(scope), len(body)
