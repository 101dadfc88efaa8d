"""A service that cannot be reached."""

from __future__ import annotations

from tests.service.cli.commands import Cvae


def test_a_service_that_is_not_there_is_said(local: Cvae) -> None:
    line = local.refuse(1, "decode", "1,2", "--url", "http://127.0.0.1:1", "--timeout-s", "1")
    # Of a busy machine, the last try's timeout may come before its refusal; the one before is named then.
    assert line.startswith("cvae: http://127.0.0.1:1: expected an answer")
    assert "received none (Connection refused)" in line


def test_an_address_that_is_none_is_said(local: Cvae) -> None:
    for address in ("http://", "http://a:port", "http://[::1"):
        assert "base_url: expected one such as" in local.refuse(1, "models", "--url", address)
    line = local.refuse(1, "models", "--url", "http://service", http_proxy="ftp://proxy")
    assert "HTTP_PROXY: expected an address such as http://proxy:3128, received 'ftp://proxy'" in line
