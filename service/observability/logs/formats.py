"""The two forms of a line of the log: text, and JSON with an object a line."""

from __future__ import annotations

import datetime
import json
import logging
from typing import Any

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# The attribute of a record that holds further members of its object, or a function that returns them.
FIELDS = "cvae_fields"


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object, in ASCII and without line breaks.

    Its members are time, level, logger and message, the exception as a string if there is one, and what the
    record's `FIELDS` hold, such as the ids of the request and of its trace.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of a record."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        members: dict[str, Any] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            members["exception"] = record.exc_text
        fields = getattr(record, FIELDS, None) or {}
        further = fields() if callable(fields) else fields
        return json.dumps(members | {name: value for name, value in further.items() if value is not None})


def make_formatter(log_format: str) -> logging.Formatter:
    """Return the formatter of lines: "text" or "json"."""
    return JsonFormatter() if log_format == "json" else logging.Formatter(TEXT)
