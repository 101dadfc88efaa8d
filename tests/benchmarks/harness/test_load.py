"""That what wrk prints is read right, and that it sees wrong answers."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from benchmarks.harness.answers import Answer
from benchmarks.harness.load import Load, LoadError, parse, parse_ms, parse_number, run_load
from benchmarks.harness.servers import TENSOR_ID
from tests.benchmarks.harness.pictures import PIXELS, say_tensor, write_png
from tests.reliability.peer import Reply, serve_replies

REPORT = """\
Running 5s test @ http://127.0.0.1:8000/decode
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.75ms  310.00us  20.11ms   91.20%
    Req/Sec     9.10k     0.91k   11.20k    70.00%
  Latency Distribution
     50%  310.00us
     75%    1.91ms
     90%    2.20ms
     99%    1.02s
  45678 requests in 5.01s, 12.34MB read
Requests/sec:   9117.37
Transfer/sec:      2.46MB
Wrong answers: 0
"""
ERRORS = """\
  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
Requests/sec:"""


def test_a_report_of_wrk_is_read() -> None:
    assert parse(REPORT) == Load(requests=45678, per_s=9117.37, p50_ms=0.31, p99_ms=1020.0, errors=0)


def test_failed_answers_and_failed_sockets_are_both_errors() -> None:
    assert parse(REPORT.replace("Requests/sec:", ERRORS)).errors == 54321


def test_wrong_answers_are_read_and_must_have_been_counted() -> None:
    assert parse(REPORT.replace("Wrong answers: 0", "Wrong answers: 12")).wrong == 12
    with pytest.raises(LoadError, match="Wrong answers"):
        parse(REPORT.replace("Wrong answers: 0\n", ""))


def test_a_report_without_a_figure_is_refused() -> None:
    with pytest.raises(LoadError, match="99%"):
        parse(REPORT.replace("99%", "98%"))


@pytest.mark.parametrize(
    ("text", "ms"), [("310.00us", 0.31), ("1.75ms", 1.75), ("1.02s", 1020), ("1.50m", 90_000)]
)
def test_times_are_in_milliseconds(text: str, ms: float) -> None:
    assert parse_ms(text) == pytest.approx(ms)


@pytest.mark.parametrize(("text", "number"), [("9117.37", 9117.37), ("12.34k", 12_340), ("1.20M", 1_200_000)])
def test_numbers_may_have_a_suffix(text: str, number: float) -> None:
    assert parse_number(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "-nan", "12.34parsecs"])
def test_an_unknown_unit_is_refused(text: str) -> None:
    with pytest.raises(LoadError, match="expected a number"):
        parse_ms(text)


@pytest.mark.slow
def test_wrk_tells_a_short_or_another_answer() -> None:
    whole = write_png(PIXELS[0])
    expected = Answer(200, whole)
    with serve_replies(lambda _: Reply(body=whole)) as port:
        load = run_load(f"http://127.0.0.1:{port}/decode", "{}", expected, 2, 1)
    assert (load.errors, load.wrong) == (0, 0)
    assert load.requests > 0
    for body in (whole[:-30], bytes(len(whole))):
        turns = itertools.count(1)
        with (
            serve_replies(lambda _: Reply(body=whole if next(turns) % 50 else body)) as port,  # noqa: B023
            pytest.raises(LoadError, match=r"times the answer known before, received [0-9]+ others"),
        ):
            run_load(f"http://127.0.0.1:{port}/decode", "", expected, 2, 1)


@pytest.mark.slow
def test_wrk_overlooks_what_differs_each_time_and_nothing_else() -> None:
    names = map("{:04}".format, itertools.count())
    expected = Answer(200, say_tensor(PIXELS, "0000"), volatile=TENSOR_ID)
    with serve_replies(lambda _: Reply(body=say_tensor(PIXELS, next(names)))) as port:
        assert run_load(f"http://127.0.0.1:{port}/", "{}", expected, 1, 1).requests > 0
        with pytest.raises(LoadError, match=r"received [0-9]+ others"):
            run_load(f"http://127.0.0.1:{port}/", "{}", dataclasses.replace(expected, volatile=""), 1, 1)
