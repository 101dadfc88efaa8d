from __future__ import annotations

import pytest

from service.core.errors import NotAcceptableError
from service.core.media_types import APNG, GIF, JSON, MOVING, NPY, PNG, STILL, WEBP, ZIP
from service.http.negotiation import choose, choose_encoding

OFFERED = (PNG, JSON)


@pytest.mark.parametrize(
    ("accept", "wanted", "chosen"),
    [
        (None, None, PNG),
        ("", None, PNG),
        ("*/*", None, PNG),
        ("application/json", None, JSON),
        ("APPLICATION/JSON", None, JSON),
        ("application/*", None, JSON),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", None, PNG),
        ("application/json, text/plain, */*", None, JSON),
        ("application/json;q=0.5, image/png", None, PNG),
        ("image/png;q=0.1, application/json;q=0.2", None, JSON),
        ("image/png;q=0, */*", None, JSON),
        ("image/png;q=nonsense, application/json;q=0.1", None, JSON),
        ("text/html", "json", JSON),
        ("application/json", "png", PNG),
    ],
)
def test_chooses_the_representation(accept: str | None, wanted: str | None, chosen: str) -> None:
    assert choose(accept, wanted, OFFERED) == chosen


@pytest.mark.parametrize("accept", ["text/html", "image/jpeg", "*/*;q=0", ",", "image/png;q=0"])
def test_refuses_when_nothing_is_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="image/png or application/json"):
        choose(accept, None, OFFERED)


# What Chromium, Firefox and Safari send for `<img>`, and what libraries send by default.
CHROMIUM = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/*;q=0.5"
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
AXIOS = "application/json, text/plain, */*"


@pytest.mark.parametrize(
    ("accept", "still", "moving"),
    [
        (CHROMIUM, PNG, PNG),
        (FIREFOX, PNG, PNG),
        (SAFARI, PNG, PNG),
        (PAGE, WEBP, WEBP),
        (AXIOS, JSON, JSON),
        ("image/webp", WEBP, WEBP),
        ("image/webp, */*;q=0.8", WEBP, WEBP),
        ("image/webp, image/*", PNG, PNG),
        ("image/webp, image/*;q=0.9", WEBP, WEBP),
        ("image/gif;q=0.9, image/webp;q=0.8", WEBP, GIF),
        ("image/apng, application/zip;q=0.5", ZIP, APNG),
        ("application/x-npy, */*", NPY, NPY),
        ("application/zip;q=0.1, application/json;q=0.01", ZIP, ZIP),
    ],
)
def test_chooses_among_all_that_there_is(accept: str, still: str, moving: str) -> None:
    assert (choose(accept, None, STILL), choose(accept, None, MOVING)) == (still, moving)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, None),
        ("", None),
        ("br", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0.5, deflate;q=0.8", "deflate"),
        ("gzip;q=0, *", "deflate"),
        ("*", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("gzip, identity", "gzip"),
        ("GZIP ; q=1", "gzip"),
    ],
)
def test_the_encoding_is_the_one_the_client_wants_most(accept: str | None, chosen: str | None) -> None:
    assert choose_encoding(accept, ("gzip", "deflate")) == chosen
