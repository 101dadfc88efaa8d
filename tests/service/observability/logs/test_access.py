from __future__ import annotations

import logging
import random
from typing import Any

import pytest

from service.core.configuration.logs import LogSettings
from service.observability.exchange import Exchange
from service.observability.logs.access import AccessLog
from service.observability.logs.formats import FIELDS
from service.observability.metrics import CALL, ROUTE


class Times:
    def __init__(self, rows: int, encode_s: float = 0.0) -> None:
        self.queue_s, self.inference_s, self.encode_s, self.rows = 0.0012345, 0.02, encode_s, rows


def make(**settings: Any) -> AccessLog:
    return AccessLog(LogSettings(**{"access_log": True, **settings}))


def scope(**changes: Any) -> dict[str, Any]:
    client = ("10.0.0.1", 5000)
    return {"type": "http", "path": "/x", "http_version": "1.1", "client": client, "headers": [], **changes}


def line(
    caplog: pytest.LogCaptureFixture,
    scope: dict[str, Any],
    exchange: Exchange,
    log: AccessLog,
    seconds: float,
) -> logging.LogRecord:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="service.access"):
        log.log(scope, 200, seconds, exchange)
    (record,) = caplog.records
    return record


def members(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = vars(record)[FIELDS]()
    return found


@pytest.mark.parametrize(
    ("settings", "status", "seconds", "wanted"),
    [
        ({}, 200, 0.0, True), ({"access_log": False}, 200, 9.0, False),
        ({"access_log": False}, 500, 9.0, False),
        ({"access_log": False, "slow_request_ms": 250}, 200, 0.25, True),
        ({"access_log": False, "slow_request_ms": 250}, 200, 0.2499, False),
        ({"access_log_sample": 0}, 499, 9.0, False), ({"access_log_sample": 0}, 500, 0.0, True),
        ({"access_log_sample": 0}, 503, 0.0, True), ({"access_log_sample": 0}, 404, 0.0, False),
        ({"access_log_sample": 0, "slow_request_ms": 100}, 200, 0.1, True),
    ],
)  # fmt: skip
def test_what_has_a_line(settings: dict[str, Any], status: int, seconds: float, wanted: bool) -> None:
    log = make(**settings)
    assert {log.wants(status, seconds) for _ in range(50)} == {wanted}


def test_so_large_a_part_has_a_line_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    log = make(access_log_sample=0.25)
    for drawn, wanted in ((0, True), (2**30 - 1, True), (2**30, False), (2**32 - 1, False)):
        monkeypatch.setattr(random, "getrandbits", lambda bits, drawn=drawn: drawn >> (32 - bits))
        assert log.wants(200, 0.0) == wanted


def test_a_line_says_what_there_was(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange("POST", 12, 345, [(b"cvae-model", b"fake@1")])
    record = line(caplog, scope(**{ROUTE: "/decode", CALL: Times(3, 0.0004)}), exchange, make(), 0.0123456)
    assert record.levelno == logging.INFO
    expected = {
        "message": '10.0.0.1:5000 - "POST /decode HTTP/1.1" 200', "client": "10.0.0.1:5000",
        "method": "POST", "route": "/decode", "status": 200, "duration_ms": 12.346, "bytes_in": 12,
        "bytes_out": 345, "queue_ms": 1.234, "inference_ms": 20.0, "encode_ms": 0.4, "rows": 3,
        "model": "fake@1",
    }  # fmt: skip
    found = members(record)
    assert {name: found[name] for name in expected} == expected
    text = (
        "duration_ms=12.346 bytes_in=12 bytes_out=345 queue_ms=1.234 inference_ms=20.0 encode_ms=0.4 rows=3"
    )
    assert record.getMessage().startswith(f"{expected['message']} {text} model=fake@1")


@pytest.mark.parametrize(("times", "told"), [(Times(0), False), (Times(1), True), (Times(0, 0.1), True)])
def test_times_are_told_where_a_model_ran_or_an_answer_was_written(
    caplog: pytest.LogCaptureFixture, times: Times, told: bool
) -> None:
    found = members(line(caplog, scope(**{ROUTE: "/x", CALL: times}), Exchange("GET"), make(), 0.1))
    assert ("rows" in found) == ("queue_ms" in found) == told
    assert found["model"] is None


def test_a_slow_request_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    log = make(slow_request_ms=100)
    for seconds, slow in ((0.1, True), (0.0999, False)):
        record = line(caplog, scope(**{ROUTE: "/x"}), Exchange("GET"), log, seconds)
        assert (record.levelno == logging.WARNING) == slow
        assert members(record).get("slow") == (True if slow else None)
        assert ("slow=True" in record.getMessage()) == slow


def test_at_a_higher_level_there_are_slow_requests_alone(caplog: pytest.LogCaptureFixture) -> None:
    log = make(slow_request_ms=100)
    with caplog.at_level(logging.WARNING, logger="service.access"):
        log.log(scope(), 200, 0.01, Exchange("GET"))
        assert not caplog.records
        log.log(scope(), 200, 0.2, Exchange("GET"))
        assert len(caplog.records) == 1


def test_what_matches_no_route_is_told_by_its_path(caplog: pytest.LogCaptureFixture) -> None:
    path = "/a b\n" + "c" * 300
    found = members(line(caplog, scope(path=path), Exchange("GET"), make(), 0.1))
    assert found["route"] is None
    assert found["path"] == "/a%20b%0A" + "c" * 195
    record = line(caplog, scope(path=path), Exchange("GET"), make(), 0.1)
    assert "path=" not in record.getMessage()
    assert f'"GET {found["path"]} HTTP/1.1" 200' in record.getMessage()


@pytest.mark.parametrize(
    ("client", "told"),
    [(None, ""), (("::1", 80), "::1:80"), (("[::1%eth0]", 0), "[::1%eth0]:0"), (("a b\n", 1), "a%20b%0A:1")],
)
def test_a_client_is_told_by_its_address(
    caplog: pytest.LogCaptureFixture, client: tuple[str, int] | None, told: str
) -> None:
    assert members(line(caplog, scope(client=client), Exchange("GET"), make(), 0.1))["client"] == told
