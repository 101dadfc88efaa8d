"""A cache of request heads: the parser makes the same scope of the same bytes.

Heads of requests with a body come again as they are. Those of a GET differ in their first line, while its
header lines come again: the line is read here if it is one that can only be read in one way. So are the
`traceparent` of a traced client and the `If-None-Match` of one that has a picture, which are put in the place
of those that came first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from service.http.header_fields import FIELDS

T = TypeVar("T")

HEAD_END, LINE_END = b"\r\n\r\n", b"\r\n"
# Room for a browser's or a client's head, and for as many kinds of them as are in use at one time.
MAX_HEAD_BYTES, MAX_HEADS = 4096, 256
# Header fields that differ from request to request, so that a head with one will not come again.
IDENTIFYING = {
    *(b"b3", b"baggage", b"cf-ray", b"forwarded", b"traceparent", b"tracestate", b"via", b"x-amzn-trace-id"),
    *(b"x-b3-parentspanid", b"x-b3-sampled", b"x-b3-spanid", b"x-b3-traceid", b"x-cloud-trace-context"),
    *(b"x-correlation-id", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port"),
    *(b"x-forwarded-proto", b"x-real-ip", b"x-request-id", b"x-request-start"),
    *(b"if-none-match", b"if-modified-since", b"range"),
}


class Varying(NamedTuple):
    """A header line whose value differs from request to request, and which may only be read in one way.

    Attributes:
        name: Of the header field.
        line: What comes before the value.
        size: Bytes of the value.
        characters: What the value is made of.
    """

    name: bytes
    line: bytes
    size: int
    characters: bytes


TAG_SIZE, TAG_CHARACTERS = 34, b'"0123456789abcdef'
VARYING = (
    # As OpenTelemetry's libraries write it.
    Varying(b"traceparent", b"\r\ntraceparent: ", 55, b"0123456789abcdef-"),
    # One tag of this service, as browsers write it, and as libraries do.
    Varying(b"if-none-match", b"\r\nIf-None-Match: ", TAG_SIZE, TAG_CHARACTERS),
    Varying(b"if-none-match", b"\r\nif-none-match: ", TAG_SIZE, TAG_CHARACTERS),
)
# A path without escapes and without a second slash at its start, and a query of the characters of RFC 3986.
FIRST_LINE = re.compile(rb"GET (/(?:[\w.~-][\w.~/-]*)?)(?:\?([\w.~/:@!$&'()*+,;=%-]*))? HTTP/1\.1")


class HeadCache:
    """The ASGI scopes of heads that have come before, for one process."""

    def __init__(self, max_bytes: int = MAX_HEAD_BYTES) -> None:
        """Start with no heads.

        Args:
            max_bytes: Longer heads are left to the parser.
        """
        self._max_bytes = max_bytes
        # By the whole head, with the length of the body; and those of GETs, by their header lines.
        self._heads: dict[bytes, tuple[dict[str, Any], int]] = {}
        self._gets: dict[bytes, dict[str, Any]] = {}

    def recall(self, data: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Return the scope and the body of a request whose head has come before.

        Args:
            data: Bytes that came where a request may begin.

        Returns:
            A copy of the scope, without what belongs to the connection, and the body; None if the parser has
            to read the bytes.
        """
        head, end, body = data.partition(HEAD_END)
        found = self._recall_exactly(head, end, body)
        if found is None and end and len(head) <= self._max_bytes:
            rest, values = _cut_values(head)
            found = self._recall_exactly(rest, end, body) if values else None
            if found is not None:
                _put_values(found[0], values)
        return found

    def _recall_exactly(self, head: bytes, end: bytes, body: bytes) -> tuple[dict[str, Any], bytes] | None:
        known = self._heads.get(head)
        if known is None:
            return self._recall_get(head) if end and not body else None
        if not end or len(body) != known[1]:
            return None
        return {**known[0], "headers": [*known[0]["headers"]]}, body

    def _recall_get(self, head: bytes) -> tuple[dict[str, Any], bytes] | None:
        line, _, fields = head.partition(LINE_END)
        known = self._gets.get(fields)
        if known is None or len(head) > self._max_bytes:
            return None
        target = FIRST_LINE.fullmatch(line)
        if target is None:
            return None
        path, query = target[1], target[2] or b""
        own = {"path": path.decode(), "raw_path": path, "query_string": query}
        return {**known, **own, "headers": [*known["headers"]]}, b""

    def learn(self, data: bytes, scope: Mapping[str, Any], body: bytes) -> None:
        """Keep the scope of a request.

        Args:
            data: The bytes that came when it began; its head is kept only if they are exactly this request.
            scope: The scope that the parser made of it.
            body: The whole body.
        """
        head, _, rest = data.partition(HEAD_END)
        if rest != body or len(head) > self._max_bytes:
            return
        head, values = _cut_values(head)
        if sorted(values) != sorted([name for name, _ in scope["headers"] if name in IDENTIFYING]):
            return
        line, _, fields = head.partition(LINE_END)
        if scope["method"] != "GET":
            _keep(self._heads, head, (dict(scope), len(body)))
        elif FIRST_LINE.fullmatch(line) and not scope["root_path"]:
            _keep(self._gets, fields, dict(scope))


def _keep(heads: dict[bytes, T], key: bytes, head: T) -> None:
    if key in heads:
        return
    if len(heads) == MAX_HEADS:
        heads.clear()
    heads[key] = head


def _cut_values(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return a head with a mark for each value that varies, and these values by the names of their fields.

    The mark is what no head holds, or a head with an empty value would be taken for one that was cut.
    """
    values: dict[bytes, bytes] = {}
    for name, line, size, characters in VARYING:
        start = head.find(line) + len(line)
        end = start + size
        value = head[start:end]
        is_usual = len(value) == size and not value.translate(None, characters)
        if start < len(line) or name in values or not is_usual or head[end : end + 2] not in (b"", LINE_END):
            continue
        values[name] = value
        head = head[:start] + HEAD_END + head[end:]
    return head, values


def _put_values(scope: dict[str, Any], values: Mapping[bytes, bytes]) -> None:
    headers = scope["headers"]
    for name, value in values.items():
        headers[[known for known, _ in headers].index(name)] = name, value
    if FIELDS in scope:
        scope[FIELDS] = {**scope[FIELDS], **values}
