"""A cache of request heads: the parser makes the same scope of the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD_END = b"\r\n\r\n"
# Room for a browser's or a client's head, and for as many kinds of them as are in use at one time.
MAX_HEAD_BYTES, MAX_HEADS = 4096, 256
# Header fields that differ from request to request, so that a head with one will not come again.
IDENTIFYING = {
    *(b"b3", b"baggage", b"cf-ray", b"forwarded", b"traceparent", b"tracestate", b"via", b"x-amzn-trace-id"),
    *(b"x-b3-parentspanid", b"x-b3-sampled", b"x-b3-spanid", b"x-b3-traceid", b"x-cloud-trace-context"),
    *(b"x-correlation-id", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port"),
    *(b"x-forwarded-proto", b"x-real-ip", b"x-request-id", b"x-request-start"),
}


class HeadCache:
    """The ASGI scopes of heads that have come before, for one process."""

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[dict[str, Any], int]] = {}

    def recall(self, data: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Return the scope and the body of a request whose head has come before.

        Args:
            data: Bytes that came where a request may begin.

        Returns:
            A copy of the scope, without what belongs to the connection, and the body; None if the parser has
            to read the bytes.
        """
        head, end, body = data.partition(HEAD_END)
        known = self._heads.get(head)
        if known is None or not end or len(body) != known[1]:
            return None
        return {**known[0], "headers": [*known[0]["headers"]]}, body

    def learn(self, data: bytes, scope: Mapping[str, Any], body: bytes) -> None:
        """Keep the scope of a request.

        Args:
            data: The bytes that came when it began; its head is kept only if they are exactly this request.
            scope: The scope that the parser made of it.
            body: The whole body.
        """
        head, _, rest = data.partition(HEAD_END)
        if rest != body or head in self._heads or len(head) > MAX_HEAD_BYTES:
            return
        if not IDENTIFYING.isdisjoint(name for name, _ in scope["headers"]):
            return
        if len(self._heads) == MAX_HEADS:
            self._heads.clear()
        self._heads[head] = dict(scope), len(body)
