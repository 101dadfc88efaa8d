"""Parse forms, multipart bodies (RFC 7578), into their parts; their length bounds the time and the memory."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from python_multipart.multipart import parse_options_header

from service.core.errors import InvalidValueError, MalformedBodyError, Text, TooLargeError, shorten

FORM = "multipart/form-data"
# RFC 2046, section 5.1.1.
MAX_BOUNDARY_BYTES = 70
# Of `Content-Type`: to find the boundary in 60 KB of semicolons takes 0.1 s.
MAX_TYPE_BYTES = 1024
# Of the header lines of a part: names, and a file's name twice.
MAX_HEAD_BYTES = 4096
# Of a part that is no file: a vector of two thousand numbers.
MAX_TEXT_BYTES = 65_536
# Bytes that are searched at once; more would hold up the other threads.
PIECE_BYTES = 2**20
# What most clients send, which needs no parser of header fields.
PLAIN_TYPE = re.compile(r"multipart/form-data; ?boundary=([-\w'+.]{1,70})", re.ASCII | re.IGNORECASE)
LINE_END = re.compile(rb"[ \t]{0,100}\r\n")


class Part(NamedTuple):
    """A part of a form.

    Attributes:
        name: The name of its field.
        content: The bytes that it holds.
        is_file: Whether it has the name of a file.
    """

    name: str
    content: bytes
    is_file: bool

    @property
    def text(self) -> str:
        """The content as a text.

        Raises:
            TooLargeError: It is longer than a text may be.
            InvalidValueError: It is not UTF-8.
        """
        if len(self.content) > MAX_TEXT_BYTES:
            received = Text(f"{len(self.content)}")
            raise TooLargeError(self.name, f"a text of at most {MAX_TEXT_BYTES} bytes", received)
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise InvalidValueError(self.name, "a text in UTF-8, or a file", self.content[:40]) from None


def parse_form(
    content: bytes, content_type: str, max_parts: int, check: Callable[[], None] = lambda: None
) -> list[Part]:
    """Parse a form.

    Args:
        content: The body.
        content_type: The value of `Content-Type`, which names the boundary.
        max_parts: Most parts that it may have.
        check: Called between the pieces of the work; an exception that it raises ends the work.

    Returns:
        Its parts, in order; an empty body has none.

    Raises:
        MalformedBodyError: The body is no form, or not a whole one.
        TooLargeError: More parts, or longer heads of parts, than there may be.
    """
    delimiter = b"\r\n--" + _read_boundary(content_type)
    if not content:
        return []
    parts: list[Part] = []
    offset = len(delimiter) - 2
    if not content.startswith(delimiter[2:]):
        offset = _find(content, delimiter, 0, check) + len(delimiter)
    while content[offset : offset + 2] != b"--":
        if len(parts) == max_parts:
            raise TooLargeError("body", f"a form of at most {max_parts} parts", Text("more"))
        check()
        name, is_file, start = _read_head(content, offset)
        # An empty part may share its line end with its head.
        end = _find(content, delimiter, start - 2, check)
        parts.append(Part(name, content[start:end], is_file))
        offset = end + len(delimiter)
    return parts


def _malformed(received: str) -> MalformedBodyError:
    return MalformedBodyError("body", FORM, Text(received))


def _read_boundary(content_type: str) -> bytes:
    if len(content_type) > MAX_TYPE_BYTES:
        raise _malformed(f"a Content-Type of {len(content_type)} bytes, of at most {MAX_TYPE_BYTES}")
    plain = PLAIN_TYPE.fullmatch(content_type)
    if plain is not None:
        return plain[1].encode()
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise _malformed(f"a boundary of {len(boundary)} bytes, of 1 to {MAX_BOUNDARY_BYTES}")
    return boundary


def _find(content: bytes, delimiter: bytes, start: int, check: Callable[[], None]) -> int:
    for begin in range(start, len(content), PIECE_BYTES):
        found = content.find(delimiter, begin, begin + PIECE_BYTES + len(delimiter) - 1)
        if found >= 0:
            return found
        check()
    raise _malformed("a part without an end")


def _read_head(content: bytes, offset: int) -> tuple[str, bool, int]:
    line = LINE_END.match(content, offset)
    if line is None:
        raise _malformed(f"a boundary with {content[offset : offset + 8]!r} behind it")
    first = line.end() - 2
    end = content.find(b"\r\n\r\n", first, first + MAX_HEAD_BYTES + 4)
    if end < 0:
        if len(content) - first < MAX_HEAD_BYTES:
            raise _malformed("a part whose head has no end")
        raise TooLargeError("body", f"parts whose heads have at most {MAX_HEAD_BYTES} bytes", Text("more"))
    options = _read_disposition(content[first:end])
    if b"name" not in options:
        raise _malformed("a part without Content-Disposition with a name")
    name = shorten(Text(options[b"name"].decode("utf-8", "replace")))
    return name, b"filename" in options, end + 4


# The parts of a client's forms have the same few heads again and again.
@functools.lru_cache(256)
def _read_disposition(head: bytes) -> Mapping[bytes, bytes]:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            return parse_options_header(value)[1]
    return {}
