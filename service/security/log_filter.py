"""Keep signatures out of the access log: whoever reads one there could use it."""

from __future__ import annotations

import logging
import re

from service.core.url_signature import SIGNATURE

SIGNED = re.compile(rf"(?<=[?&]{SIGNATURE}=)[^&\s\"]+")
HIDDEN = "..."


class HideSignatures(logging.Filter):
    """Replaces the signatures of URLs in records of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record's texts, and let it pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(hide(each) if isinstance(each, str) else each for each in record.args)
        return True


def hide(text: str) -> str:
    """Return a text without the signatures of the URLs in it."""
    return SIGNED.sub(HIDDEN, text)
