from __future__ import annotations

import json
import logging
import sys
from typing import Any

from service.observability.logs.formats import FIELDS, make_formatter


def record(message: str, *arguments: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord(
        "service.part", logging.WARNING, "", 0, message, arguments, more.pop("exc", None)
    )
    made.created = 1_000_000_000.25
    vars(made).update(more)
    return made


def test_an_object_has_time_level_logger_and_message() -> None:
    assert json.loads(make_formatter("json").format(record("%d of %s", 1, "two"))) == {
        "time": "2001-09-09T01:46:40.250Z",
        "level": "warning",
        "logger": "service.part",
        "message": "1 of two",
    }


def test_an_exception_is_a_string_in_the_same_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        line = make_formatter("json").format(record("it failed", exc=sys.exc_info()))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: first\nsecond")


def test_ids_stand_beside_and_what_is_unknown_is_left_out() -> None:
    line = make_formatter("json").format(record("", **{FIELDS: {"request_id": "seven", "trace_id": None}}))
    assert json.loads(line)["request_id"] == "seven"
    assert "trace_id" not in line


def test_what_a_client_sent_breaks_no_line_and_no_encoding() -> None:
    line = make_formatter("json").format(record("%s", "a\nb\udc80\u2028"))
    assert line.isascii()
    assert json.loads(line)["message"] == "a\nb\udc80\u2028"


def test_text_is_as_ever() -> None:
    assert make_formatter("text").format(record("it is so")).endswith(" WARNING service.part: it is so")
