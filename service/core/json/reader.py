"""Parse the JSON of requests, after checking that it is not too much.

orjson holds the interpreter lock while it parses, in whichever thread. So its input is bounded: by its bytes,
and by counts of what costs more time than its bytes tell: on two cores of an ordinary server, 2 MiB of
nothing but `[]` take 135 ms, of numbers 5 to 28 ms. Counting takes 4 ms.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import orjson

from service.core.errors import Text, TooLargeError

# A body may hold one value for each 8 bytes of the limit, and one list, object or field for each 32.
BYTES_A_VALUE, BYTES_A_PART = 8, 32
# This many are always allowed, however low the limit is.
FEW = 1024
# Longer bodies are not parsed again by `json`, four times as slowly, for a better error or an infinity.
SECOND_BYTES = 65_536
# orjson's integers end here; beyond, they are floats.
MOST_INTEGER_DIGITS = 20
INTEGERS = range(-(2**63), 2**64)


class Limit(NamedTuple):
    """The most bytes of JSON in a body, and what to add in errors, such as what may be larger."""

    max_bytes: int
    note: str = ""

    @property
    def expected(self) -> str:
        """The words of an error."""
        return f"at most {self.max_bytes} bytes of JSON{self.note}"


def parse(content: bytes, limit: Limit) -> Any:
    """Parse JSON.

    Returns:
        The value. Integers beyond 64 bits become floats, and infinite beyond float64. A short text may also
        contain NaN and Infinity.

    Raises:
        TooLargeError: It has more bytes, values, lists or objects than the limit allows.
        json.JSONDecodeError: It is not JSON.
        ValueError: It is not UTF-8.
        RecursionError: It is nested too deep.
    """
    if len(content) > limit.max_bytes:
        raise TooLargeError("body", limit.expected, Text(str(len(content))))
    if len(content) > FEW:  # else it cannot hold more
        _check_extent(content, limit)
    if len(content) > SECOND_BYTES:
        return orjson.loads(content)
    # orjson is four times as fast; for what it refuses, `json` says more exactly what is wrong.
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    return json.loads(content, parse_int=_read_integer)


def _check_extent(content: bytes, limit: Limit) -> None:
    # Characters inside strings count too: no string of this API has thousands of them.
    counts = {
        "values": (content.count(b","), max(limit.max_bytes // BYTES_A_VALUE, FEW)),
        "lists, objects and fields": (
            content.count(b"[") + content.count(b"{") + content.count(b":"),
            max(limit.max_bytes // BYTES_A_PART, FEW),
        ),
    }
    for name, (count, most) in counts.items():
        if count > most:
            raise TooLargeError("body", f"at most {most} {name} in JSON{limit.note}", Text(str(count)))


def _read_integer(text: str) -> int | float:
    if len(text) > MOST_INTEGER_DIGITS:
        return float(text)
    number = int(text)
    return number if number in INTEGERS else float(number)
