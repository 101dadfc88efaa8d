"""The OpenAPI entries of headers: those of answers, and those that requests may have."""

from __future__ import annotations

from typing import Any

from service.core.choices import SEED_LIMIT
from service.core.headers import LOSS_HEADER, MODEL_HEADER, REQUEST_ID, REQUEST_TIMEOUT, SEED_HEADER
from service.core.headers import SERVER_TIMING as TIMING
from service.http.caching import LOOSE

MILLISECONDS = r"[0-9]+\.[0-9]{3}"
TAG = '"0123456789abcdef0123456789abcdef"'


def _always(description: str, example: Any, **schema: Any) -> dict[str, Any]:
    return {"required": True, **_sometimes(description, example, **schema)}


def _sometimes(description: str, example: Any, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}, "example": example}


# Answers that refer to one always have it, unless its description says when.
ANSWERS: dict[str, dict[str, Any]] = {
    REQUEST_ID: _always(
        "The id of the request in the service's log: yours, if you sent a safe one under this name.",
        "5f0c7f9be0d24a4f9d3f6a3c1c0e9a57",
        pattern="^[A-Za-z0-9._-]{1,128}$",
    ),
    MODEL_HEADER: _always(
        "The model that answered, as `name@version`: with this as `model`, a URL never changes its meaning.",
        "mnist-2d@0123456789ab",
        pattern="^[^@]+@[0-9a-f]{12}$",
    ),
    TIMING: _always(
        "Milliseconds that the rows waited, that the batches took they ran in, and to write the answer.",
        "queue;dur=0.402, inference;dur=0.713, encode;dur=0.052",
        pattern=f"^queue;dur={MILLISECONDS}, inference;dur={MILLISECONDS}, encode;dur={MILLISECONDS}$",
    ),
    SEED_HEADER: _always(
        "The seed that draws the same again: yours, or the one chosen.",
        3,
        type="integer",
        minimum=0,
        exclusiveMaximum=SEED_LIMIT,
    ),
    LOSS_HEADER: _always("Nats per image, the mean of all.", "81.300", pattern=r"^-?[0-9]+\.[0-9]{3}$"),
    "Cache-Control": _always(
        "Of pictures a year where `model=name@version` pins them, else a minute; of descriptions "
        "ten seconds; `no-store` where the seed was chosen, of health, metrics and errors. Never longer than "
        "a signed URL is valid, and `private` where an API key was asked for.",
        LOOSE,
        pattern="^(no-store|(public|private), max-age=[0-9]+(, immutable|, stale-while-revalidate=[0-9]+)?)$",
    ),
    "ETag": _sometimes(
        "Strong, for `If-None-Match`; not where the seed was chosen.", TAG, pattern='^"[0-9a-f]{32}"$'
    ),
    "Content-Location": _sometimes(
        "Where the same can be had again, where the seed was chosen.", "/sample.png?n=16&seed=3"
    ),
    "Content-Disposition": _sometimes(
        "The name to save it under, with `download=true`.",
        'attachment; filename="7-3.png"',
        pattern='^attachment; filename="[^"]+"$',
    ),
    "WWW-Authenticate": _always("How to send a key (RFC 6750).", 'Bearer realm="cvae"', pattern="^Bearer "),
    "Retry-After": _always(
        "Seconds until there is room, by the measured rate.", 1, type="integer", minimum=1
    ),
}
# The headers of all answers of a model, and of all image URLs.
OF_MODEL = (MODEL_HEADER, TIMING)
OF_URL = ("Cache-Control", "ETag", "Content-Disposition")

# Without examples, because the pages of documentation would fill them in and send them.
REQUESTS: dict[str, dict[str, Any]] = {
    REQUEST_TIMEOUT: {
        "name": REQUEST_TIMEOUT,
        "in": "header",
        "description": "How long you will wait, in milliseconds; the service's own limit holds too. What is "
        "not done by then is answered 504, and what has not begun by then never runs.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999_999},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what you have: if it is still right, the answer is an empty 304, and "
        "no model runs.",
        "schema": {"type": "string"},
    },
}


def name(*headers: str) -> dict[str, Any]:
    """Return references to headers, keys of `ANSWERS`, for the `headers` of an answer."""
    return {header: {"$ref": f"#/components/headers/{header}"} for header in headers}


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return references to the request headers that an operation reads.

    Its answers show which: one that can answer 504 has a deadline, and one that can answer 304 reads
    `If-None-Match`.
    """
    shown = {REQUEST_TIMEOUT: "504", "If-None-Match": "304"}
    found = [header for header, status in shown.items() if status in operation["responses"]]
    return [{"$ref": f"#/components/parameters/{header}"} for header in found]
