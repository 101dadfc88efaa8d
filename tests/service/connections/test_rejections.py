from __future__ import annotations

import json

import httptools
import pytest

from service.connections.rejections import RejectedError, explain, write_rejection


def explain_after(error: Exception | None, stream: bytes) -> RejectedError:
    """What a client is told whose bytes the parser, or what it called with a URL, could not read."""

    class Protocol:
        def on_url(self, _url: bytes) -> None:
            if error is not None:
                raise error

    with pytest.raises(httptools.HttpParserError) as caught:
        httptools.HttpRequestParser(Protocol()).feed_data(stream)
    return explain(caught.value)


LIVE = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n"


def test_a_refusal_of_ours_is_given_as_it_is() -> None:
    refusal = RejectedError(414, "URL", "at most 9 bytes", "more")
    assert explain_after(refusal, LIVE) is refusal


def test_a_fault_of_ours_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    refusal = explain_after(ZeroDivisionError("a fault of ours"), LIVE)
    assert refusal.status == 500
    assert "a fault of ours" not in str(refusal.__dict__)
    (record,) = caplog.records
    assert "ZeroDivisionError: a fault of ours" in caplog.text
    assert record.levelname == "ERROR"


@pytest.mark.parametrize(
    ("error", "stream"), [(None, b"garbage\r\n\r\n"), (UnicodeDecodeError("ascii", b"", 0, 1, "no"), LIVE)]
)
def test_a_fault_of_the_client_is_told_and_not_logged(
    error: Exception | None, stream: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert explain_after(error, stream).status == 400
    assert caplog.text == ""


@pytest.mark.parametrize(("status", "extra"), [(503, True), (400, False)])
def test_a_refusal_is_a_whole_answer(status: int, extra: bool) -> None:
    refusal = RejectedError(status, "request", "HTTP/1.1", "what is none")
    head, _, body = write_rejection(refusal, b"/a?b=c", [(b"date", b"today")]).partition(b"\r\n\r\n")
    first, *lines = head.lower().split(b"\r\n")
    assert first.startswith(b"http/1.1 %d " % status)
    assert {b"date: today", b"connection: close", b"content-length: %d" % len(body)} <= set(lines)
    assert (b"retry-after: 1" in lines) == extra
    assert json.loads(body)["detail"] == "request: expected HTTP/1.1, received what is none"
