"""Choose the media type and the encoding of an answer (RFC 9110, sections 12.5.1 and 12.5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from service.core.errors import NotAcceptableError
from service.core.media_types import FORMATS, PNG

E = TypeVar("E", bound=str)


def choose(accept: str | None, wanted: str | None, offered: Sequence[str]) -> str:
    """Return the media type to answer with.

    Args:
        accept: The `Accept` header, or None.
        wanted: A key of `FORMATS` from the query, which overrides the header.
        offered: Media types, the preferred first.

    Returns:
        One of `offered`: the one with the highest quality; of equals, the one that is named more
        exactly; of those, the first. A header that names any image format counts as naming PNG: browsers
        name the formats that not all of them know, and PNG by `image/*` alone.

    Raises:
        NotAcceptableError: The header refuses all of them.
    """
    if wanted is not None:
        return FORMATS[wanted]
    if not accept:
        return offered[0]
    ranges = _parse(accept)
    best = max(offered, key=lambda media_type: _rank(media_type, ranges))
    if _rank(best, ranges)[0] <= 0:
        raise NotAcceptableError("Accept", " or ".join(offered), accept)
    return best


def choose_encoding(accept: str | None, offered: Sequence[E]) -> E | None:
    """Return the encoding to answer with.

    Args:
        accept: The `Accept-Encoding` header, or None.
        offered: Encodings, the preferred first.

    Returns:
        One of `offered`, the one with the highest quality; None if the client wants none of them, or prefers
        the answer as it is.
    """
    if not accept:
        return None
    ranges = _parse(accept)
    best = max(offered, key=lambda name: ranges.get(name, ranges.get("*", 0.0)))
    quality = ranges.get(best, ranges.get("*", 0.0))
    return best if quality > 0 and quality >= ranges.get("identity", 0.0) else None


def _parse(accept: str) -> dict[str, float]:
    ranges = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = [piece[2:] for piece in parameters if piece.startswith("q=")]
        try:
            ranges[name] = float(quality[0]) if quality else 1.0
        except ValueError:
            continue
    return ranges


def _rank(media_type: str, ranges: Mapping[str, float]) -> tuple[float, int]:
    kind = media_type.split("/")[0]
    for exactness, name in ((2, media_type), (1, f"{kind}/*"), (0, "*/*")):
        if name in ranges:
            quality = ranges[name]
            named = media_type == PNG and any(
                other.startswith("image/") and other != "image/*" and ranges[other] == quality
                for other in ranges
            )
            return quality, 2 if named else exactness
    return 0.0, -1
