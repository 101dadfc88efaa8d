from __future__ import annotations

import base64
import hmac
from urllib.parse import urlsplit

import pytest

from service.core.url_signature import parse_pair, parse_pairs, sign_url


def pair(key_bytes: int = 16, salt_bytes: int = 16) -> str:
    return f"{'0a' * key_bytes}:{'Bc' * salt_bytes}"


def sign(text: str, path: str, query: str) -> str:
    """The signature as the documentation says it is made."""
    key, salt = (bytes.fromhex(part) for part in text.split(":"))
    digest = hmac.digest(key, salt + path.encode() + b"?" + query.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("key_bytes", [16, 63, 64, 65, 128])
@pytest.mark.parametrize("salt_bytes", [16, 128])
def test_a_signature_is_an_hmac_of_salt_path_and_query(key_bytes: int, salt_bytes: int) -> None:
    text = pair(key_bytes, salt_bytes)
    found = parse_pair(text).sign("/a b/é", b"x=1&y=%20")
    assert found.decode() == sign(text, "/a%20b/%C3%A9", "x=1&y=%20")


@pytest.mark.parametrize("length", [255, 256, 257, 4000])
def test_a_long_path_is_signed_as_a_short_one(length: int) -> None:
    path = "/" + "ä" * (length - 1)
    assert parse_pair(pair()).sign(path, b"").decode() == sign(pair(), "/" + "%C3%A4" * (length - 1), "")


@pytest.mark.parametrize(
    "text",
    [
        "", ":", pair(15), pair(16, 15), pair(129), pair(16, 129), pair() + ":00", pair()[:-1], pair()[1:],
        pair().replace("0", "g"), pair().replace(":", ""),
    ],
)  # fmt: skip
def test_what_is_no_pair_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^expected KEY:SALT, each 16 to 128 bytes in hex, received another"
    ):
        parse_pair(text)


def test_the_entry_that_is_wrong_is_counted() -> None:
    assert len(parse_pairs([pair(), f" {pair(17)}\n"])) == 2
    with pytest.raises(ValueError, match=r"^entry 2 of 3: expected KEY:SALT"):
        parse_pairs([pair(), "x", pair()])


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("/a", "/a?"),
        ("https://host:1/a/b?x=1&&y=2", "/a/b?x=1&y=2"),
        ("https://host/a b?x=é'\"", "/a%20b?x=%C3%A9%27%22"),
        ("/a?x=%20!$&()*+,;=:@/?", "/a?x=%20!$&()*+,;=:@/?"),
    ],
)
@pytest.mark.parametrize("expires", [None, 17])
def test_a_url_is_signed_as_browsers_send_it(url: str, signed: str, expires: int | None) -> None:
    path, _, query = signed.partition("?")
    query = "&".join(filter(None, [query, "" if expires is None else f"expires={expires}"]))
    found = urlsplit(sign_url(url, parse_pair(pair()), expires))
    assert (found.path, found.query) == (
        path,
        "&".join(filter(None, [query, f"signature={sign(pair(), path, query)}"])),
    )
    assert found.netloc == urlsplit(url).netloc


@pytest.mark.parametrize("name", ["signature", "expires"])
def test_a_url_that_has_one_is_refused(name: str) -> None:
    for query in (f"{name}=1", f"x=1&{name}", f"{name}"):
        with pytest.raises(ValueError, match=f"^{name}: expected none in the URL, received one"):
            sign_url(f"/a?{query}", parse_pair(pair()))
    assert sign_url(f"/a?{name}s=1", parse_pair(pair()))
    with pytest.raises(ValueError, match="expected a URL with a path, received 'https://host'"):
        sign_url("https://host", parse_pair(pair()))
