from __future__ import annotations

import pytest

from service.core.configuration import values


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://page.example", "https://page.example"),
        ("https://page.example/", "https://page.example"),
        ("HTTPS://Page.Example:443", "https://page.example"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("null", "null"),
        ("*", "*"),
    ],
)
def test_origins_are_as_browsers_send_them(text: str, origin: str) -> None:
    assert values.read_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "page.example",
        "//page.example",
        "https://*.page.example",
        "https://page.example/path",
        "https://page.example?",
        "https://user@page.example",
        "https://bücher.example",
        "https://page.example:port",
        "https://",
        "https://a.example;https://b.example",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected origins such as"):
        values.read_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example,https://b.example",
        " https://a.example , https://b.example,",
        "https://a.example https://b.example",
        '["https://a.example", "https://b.example"]',
    ],
)
def test_lists_have_commas_spaces_or_are_json(text: str) -> None:
    assert values.split_list(text.strip()) == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize("text", ["[1]", '["a"', "[a, b]"])
def test_what_begins_like_json_must_be_json(text: str) -> None:
    with pytest.raises(ValueError, match="expected texts separated by commas, or a JSON list"):
        values.split_list(text)


def test_a_home_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="stands for no home here"):
        values.read_folder("~nobody-of-this-name/models")


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("", ""), ("/", ""), ("cvae", "/cvae"), ("/cvae/", "/cvae"), ("/a/b.c-d", "/a/b.c-d")],
)
def test_a_prefix_begins_with_a_slash_and_ends_without(text: str, prefix: str) -> None:
    assert values.read_prefix(text) == prefix


@pytest.mark.parametrize("text", ["/a//b", "/a b", "/ä", "/%20", "https://page.example/cvae", "/a?b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a path such as /cvae"):
        values.read_prefix(text)


@pytest.mark.parametrize(
    ("text", "proxy"), [("10.0.0.7", "10.0.0.7"), ("10.0.0.0/8", "10.0.0.0/8"), ("[::1]", "::1"), ("*", "*")]
)
def test_proxies_are_addresses_or_networks(text: str, proxy: str) -> None:
    assert values.read_proxy(text) == proxy


@pytest.mark.parametrize("text", ["nginx", "10.0.0.300", "10.0.0.7/8", "10.0.0.7:80"])
def test_what_is_no_address_of_a_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected addresses or networks such as 10\.0\.0\.0/8"):
        values.read_proxy(text)


def test_a_list_in_endless_brackets_is_no_list() -> None:
    with pytest.raises(ValueError, match="JSON list"):
        values.split_list("[" * 100_000)
