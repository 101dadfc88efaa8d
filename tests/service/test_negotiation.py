from __future__ import annotations

import pytest

from service.errors import NotAcceptableError
from service.negotiation import JSON, PNG, choose

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
