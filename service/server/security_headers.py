"""The header fields that tell browsers what other sites may do with our answers.

They are the same for every answer, so uvicorn puts them beside the date: on errors, on refused connections,
and at no cost for the fast path, which joins such lines once a second.
"""

from __future__ import annotations

from service.core.configuration.headers import WORDS
from service.core.configuration.values import ALL
from service.core.settings import Settings


def list_security_headers(settings: Settings) -> list[tuple[str, str]]:
    """Return names and values of the header fields that all answers have."""
    headers = [
        # A picture is a picture, JSON is no script: browsers do not guess.
        ("X-Content-Type-Options", "nosniff"),
        # The query may hold what is nobody else's business.
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", settings.resource_policy),
    ]
    ancestors = settings.frame_ancestors.split()
    if ALL not in ancestors:
        # Browsers obey this one beside a page's own. Words of the grammar stand in quotes.
        allowed = " ".join(f"'{each}'" if each in WORDS else each for each in ancestors)
        headers.append(("Content-Security-Policy", f"frame-ancestors {allowed}"))
    if settings.timing_origins:
        headers.append(("Timing-Allow-Origin", ", ".join(settings.timing_origins)))
    return headers
