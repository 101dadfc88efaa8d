"""When a call is made again, and what it ends with if it cannot be answered; either client, no socket."""

from __future__ import annotations

import email.utils
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from service.client import (
    BrokenAnswerError,
    BusyError,
    CvaeError,
    LateError,
    NoAnswerError,
    RequestError,
    ServiceError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from service.client.serialize import to_npy
from tests.service.client.driver import Clock, Driver, Pieces

Answer = httpx.Response | Exception
MODEL = {"CVAE-Model": "fake@0123456789ab"}
NPY = to_npy(np.zeros((1, 28, 28), np.float32))


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Script:
    """Answers one after another, and keeps what was asked."""

    def __init__(self, *answers: Callable[[], Answer]) -> None:
        self.answers: Iterator[Callable[[], Answer]] = iter(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self.answers)()
        if isinstance(answer, Exception):
            raise answer
        return answer


def good() -> httpx.Response:
    return httpx.Response(200, headers=MODEL, content=NPY)


def refuse(status: int, **headers: str) -> Callable[[], httpx.Response]:
    problem = {"title": "No", "status": status, "detail": "the detail", "errors": [], "request_id": "7"}
    content = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(status, headers=content, json=problem)


def breaks() -> Exception:
    return httpx.ReadError("reset")


def decode(client: Any) -> Any:
    return client.decode([0.0, 0.0])


@pytest.mark.parametrize("status", [429, 503])
def test_it_comes_again_when_the_service_says(driver: Driver, clock: Clock, status: int) -> None:
    script = Script(refuse(status, Retry_After="3"), good)
    made = driver.answer(script, clock=clock).ask(decode)
    assert made.images.shape == (1, 28, 28)
    assert clock.slept == [pytest.approx(3.05)]
    assert [request.content for request in script.requests] == [script.requests[0].content] * 2


@pytest.mark.parametrize(("ahead_s", "waited_s"), [(7, 7.05), (-60, 0.05)])
def test_it_comes_again_at_the_date(driver: Driver, clock: Clock, ahead_s: int, waited_s: float) -> None:
    date = email.utils.formatdate(clock.now + ahead_s, usegmt=True)
    driver.answer(Script(refuse(429, Retry_After=date), good), clock=clock).ask(decode)
    assert clock.slept == [pytest.approx(waited_s)]


@pytest.mark.parametrize("header", ["soon", "-1", "1.5e", ""])
def test_a_header_that_says_nothing_is_none(driver: Driver, clock: Clock, header: str) -> None:
    driver.answer(Script(refuse(503, Retry_After=header), good), clock=clock).ask(decode)
    assert clock.slept == [pytest.approx(0.05)]


def test_waits_double_up_to_the_longest(driver: Driver, clock: Clock) -> None:
    script = Script(breaks, refuse(503), breaks, refuse(429), good)
    driver.answer(script, clock=clock, retry={"tries": 5, "max_wait_s": 0.3}).ask(decode)
    assert clock.slept == pytest.approx([0.05, 0.1, 0.15, 0.15])


def test_it_gives_up_after_the_last_try(driver: Driver, clock: Clock) -> None:
    script = Script(*[refuse(429, Retry_After="1")] * 9)
    with pytest.raises(BusyError, match="the detail") as caught:
        driver.answer(script, clock=clock).ask(decode)
    assert len(script.requests) == 4
    assert caught.value.retry_after == "1"
    assert caught.value.status == 429


def test_it_does_not_wait_beyond_the_timeout(driver: Driver, clock: Clock) -> None:
    script = Script(refuse(503, Retry_After="4"), refuse(503, Retry_After="4"), good)
    with pytest.raises(UnavailableError):
        driver.answer(script, clock=clock, timeout_s=8).ask(decode)
    assert len(script.requests) == 2
    assert sum(clock.slept) < 8


def test_each_try_has_what_is_left_of_the_timeout(driver: Driver, clock: Clock) -> None:
    script = Script(refuse(429, Retry_After="4"), good)
    driver.answer(script, clock=clock, timeout_s=10, send_deadline=True).ask(decode)
    first, second = script.requests
    assert first.extensions["timeout"]["read"] == 10
    assert second.extensions["timeout"]["connect"] == pytest.approx(5.95)
    assert first.headers["X-Request-Timeout-Ms"] == "10000"
    assert second.headers["X-Request-Timeout-Ms"] in ("5949", "5950")


def test_without_a_timeout_there_is_none(driver: Driver, clock: Clock) -> None:
    script = Script(refuse(429, Retry_After="3600"), good)
    driver.answer(script, clock=clock, timeout_s=None, send_deadline=True).ask(decode)
    assert script.requests[1].extensions["timeout"]["read"] is None
    assert "X-Request-Timeout-Ms" not in script.requests[1].headers


@pytest.mark.parametrize("status", [400, 404, 406, 413, 415, 422])
def test_a_fault_of_the_request_is_never_sent_again(driver: Driver, clock: Clock, status: int) -> None:
    script = Script(refuse(status, Retry_After="1"))
    with pytest.raises(RequestError) as caught:
        driver.answer(script, clock=clock).ask(decode)
    assert caught.value.status == status
    assert clock.slept == []


@pytest.mark.parametrize(("status", "kind"), [(504, LateError), (500, ServiceError), (302, ServiceError)])
def test_other_failures_are_not_sent_again(
    driver: Driver, clock: Clock, status: int, kind: type[CvaeError]
) -> None:
    script = Script(refuse(status))
    with pytest.raises(kind) as caught:
        driver.answer(script, clock=clock).ask(decode)
    assert not isinstance(caught.value, RequestError)
    assert len(script.requests) == 1


def test_connections_that_fail_are_made_again(driver: Driver, clock: Clock) -> None:
    script = Script(lambda: httpx.ConnectError("refused"), breaks, good)
    assert driver.answer(script, clock=clock).ask(decode).model == "fake"


@pytest.mark.parametrize("answer", [breaks, refuse(503)])
def test_a_service_that_is_away_is_asked_until_the_timeout(
    driver: Driver, clock: Clock, answer: Callable[[], Answer]
) -> None:
    begun = clock.now
    script = Script(*[answer] * 99)
    with pytest.raises((UnreachableError, UnavailableError), match=r"reset|the detail"):
        driver.answer(script, clock=clock, timeout_s=10).ask(decode)
    assert 9.8 < clock.now - begun < 10
    assert 10 < len(script.requests) < 30


def test_a_restart_is_survived(driver: Driver, clock: Clock) -> None:
    restarted = clock.now + 9.5

    def answer(_request: httpx.Request) -> httpx.Response:
        if clock.now < restarted:
            raise httpx.ConnectError("refused")
        return good()

    assert driver.answer(answer, clock=clock, timeout_s=10).ask(decode).model == "fake"


@pytest.mark.parametrize("timeout_s", [None, 100.0])
def test_what_stays_away_is_given_up(driver: Driver, clock: Clock, timeout_s: float | None) -> None:
    begun = clock.now
    with pytest.raises(UnreachableError, match="http://service/below: expected an answer") as caught:
        driver.answer(
            Script(*[breaks] * 5000), clock=clock, timeout_s=timeout_s, retry={"max_wait_s": 0.02}
        ).ask(decode)
    assert isinstance(caught.value.__cause__, httpx.ReadError)
    assert 59 < clock.now - begun < 60


def test_one_try_is_one(driver: Driver, clock: Clock) -> None:
    script = Script(breaks)
    with pytest.raises(UnreachableError):
        driver.answer(script, clock=clock, retry={"tries": 1}).ask(decode)
    assert clock.slept == []


def certificate() -> Exception:
    error = httpx.ConnectError("no")
    error.__cause__ = ssl.SSLCertVerificationError(1, "self-signed")
    return error


@pytest.mark.parametrize(
    ("answer", "line"),
    [(certificate, "self-signed"), (lambda: httpx.LocalProtocolError("no header"), "no header")],
)
def test_what_another_try_cannot_mend_is_not_tried(
    driver: Driver, clock: Clock, answer: Callable[[], Answer], line: str
) -> None:
    with pytest.raises(NoAnswerError, match=line):
        driver.answer(Script(answer), clock=clock).ask(decode)
    assert clock.slept == []


def test_a_timeout_of_a_later_try_says_what_was_wrong_before(driver: Driver, clock: Clock) -> None:
    script = Script(lambda: httpx.ConnectError("refused"), lambda: httpx.ConnectTimeout("late"))
    with pytest.raises(TimedOutError, match=r"late.*the try before: .*refused") as caught:
        driver.answer(script, clock=clock).ask(decode)
    assert isinstance(caught.value.__cause__, httpx.ConnectTimeout)


def test_a_timeout_is_the_callers_and_final(driver: Driver, clock: Clock) -> None:
    script = Script(lambda: httpx.ReadTimeout("late"))
    with pytest.raises(TimedOutError, match="late"):
        driver.answer(script, clock=clock).ask(decode)
    assert clock.slept == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"z": 1}', b'{"z": [[1]], "images": "x"}', b"\xff"])
def test_an_answer_that_cannot_be_read_is_broken(driver: Driver, clock: Clock, content: bytes) -> None:
    answer = httpx.Response(200, headers=MODEL, content=content)
    with pytest.raises(BrokenAnswerError, match=r"http://service/below: .* /below/sample"):
        driver.answer(Script(lambda: answer), clock=clock).ask(lambda client: client.sample())


@pytest.mark.parametrize("content", [NPY[:60], NPY[:-4], b"PNG", b""])
def test_an_array_that_cannot_be_read_is_broken(driver: Driver, clock: Clock, content: bytes) -> None:
    answer = httpx.Response(200, headers=MODEL, content=content)
    with pytest.raises(BrokenAnswerError):
        driver.answer(Script(lambda: answer), clock=clock).ask(decode)


def test_another_number_of_pictures_is_broken(driver: Driver, clock: Clock) -> None:
    with pytest.raises(BrokenAnswerError, match="expected 2 pictures, received 1"):
        driver.answer(Script(good), clock=clock).ask(lambda client: client.decode([[0.0, 0.0]] * 2))


def test_an_answer_of_another_server_is_broken(driver: Driver, clock: Clock) -> None:
    answer = httpx.Response(200, html="<p>Welcome")
    with pytest.raises(BrokenAnswerError, match="text/html"):
        driver.answer(Script(lambda: answer), clock=clock).ask(lambda client: client.models())


def test_a_problem_that_is_no_json_still_has_its_status(driver: Driver, clock: Clock) -> None:
    answer = httpx.Response(502, html="<p>Bad gateway")
    with pytest.raises(ServiceError, match="<p>Bad gateway") as caught:
        driver.answer(Script(lambda: answer), clock=clock).ask(decode)
    assert (caught.value.status, caught.value.title, caught.value.errors) == (502, "Bad Gateway", ())


@pytest.mark.parametrize("answer", [refuse(503), breaks, lambda: httpx.ConnectTimeout("late")])
def test_a_service_that_is_not_there_is_not_ready(
    driver: Driver, clock: Clock, answer: Callable[[], Answer]
) -> None:
    assert driver.answer(Script(answer), clock=clock).ask(lambda client: client.ready()) is False
    assert clock.slept == []


def test_requests_go_below_the_address(driver: Driver, clock: Clock) -> None:
    script = Script(good)
    driver.answer(script, clock=clock, headers={"X-Request-ID": "mine"}).ask(decode)
    (request,) = script.requests
    assert request.url.path == "/below/decode"
    assert request.headers["x-request-id"] == "mine"


@pytest.mark.parametrize("address", ["localhost:8000", "", "ftp://service", "http://"])
def test_an_address_must_be_one_of_http(driver: Driver, address: str) -> None:
    with pytest.raises(ValueError, match="base_url: expected one such as http://localhost:8000, received"):
        driver.answer(Script(), base_url=address)


def line(index: int) -> bytes:
    return b'{"index": %d, "z": [0.5, -1], "image": [[0.25, 1]]}\n' % index


def stream(client: Any) -> Any:
    return client.stream(1, 2, steps=3)


def test_a_frame_is_there_before_the_next_is_sent(driver: Driver, clock: Clock) -> None:
    body = Pieces([line(0), line(1), line(2)])
    script = Script(refuse(429, Retry_After="1"), lambda: httpx.Response(200, stream=body))
    frame, close = driver.answer(script, clock=clock).first(stream)
    np.testing.assert_allclose(frame.z, [0.5, -1])
    np.testing.assert_allclose(frame.image, [[0.25, 1]])
    # httpx looks one line ahead.
    assert body.taken <= 2
    assert not body.closed
    close()
    assert body.closed
    assert script.requests[1].url.params["format"] == "ndjson"


def test_a_stream_that_breaks_says_so(driver: Driver, clock: Clock) -> None:
    body = Pieces([line(0), httpx.RemoteProtocolError("cut")])
    script = Script(lambda: httpx.Response(200, stream=body))
    with pytest.raises(NoAnswerError, match="cut"):
        driver.answer(script, clock=clock).ask(stream)
    assert body.closed


@pytest.mark.parametrize("second", [line(2), b"{\n", b"[]\n"])
def test_a_line_that_is_not_the_next_frame_is_broken(driver: Driver, clock: Clock, second: bytes) -> None:
    script = Script(lambda: httpx.Response(200, stream=Pieces([line(0), second])))
    with pytest.raises(BrokenAnswerError, match="expected frame 1"):
        driver.answer(script, clock=clock).ask(stream)


def test_a_stream_that_is_refused_raises_what_others_do(driver: Driver, clock: Clock) -> None:
    with pytest.raises(RequestError, match="the detail"):
        driver.answer(Script(refuse(422)), clock=clock).ask(stream)
