"""Owns the choice of a representation from `Accept` and `format` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from service.errors import NotAcceptableError

PNG = "image/png"
JSON = "application/json"
NPY = "application/x-npy"
FORMATS = {"png": PNG, "json": JSON, "npy": NPY}


def choose(accept: str | None, wanted: str | None, offered: Sequence[str]) -> str:
    """Gives the media type to answer with.

    Args:
        accept: The header, if there is one.
        wanted: A key of `FORMATS` from the query, which overrides the header.
        offered: Media types, the preferred first.

    Returns:
        One of `offered`: the one with the highest quality; of equals, the one that is named more
        exactly; of those, the first.

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


def _rank(media_type: str, ranges: dict[str, float]) -> tuple[float, int]:
    kind = media_type.split("/")[0]
    for exactness, name in ((2, media_type), (1, f"{kind}/*"), (0, "*/*")):
        if name in ranges:
            return ranges[name], exactness
    return 0.0, -1
