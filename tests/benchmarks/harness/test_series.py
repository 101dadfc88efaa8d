"""That a series asks what it should, and that each wrong answer to it is seen."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Callable

import pytest

from benchmarks.harness.answers import Answer
from benchmarks.harness.load import LoadError
from benchmarks.harness.series import Request, Series, ask_each, run_series, write_series
from tests.benchmarks.harness.pictures import PIXELS, write_png
from tests.reliability.peer import Reply, serve_replies

REQUESTS = [Request("GET", f"/{i}") for i in range(20)]
PNG = write_png(PIXELS[0])


def find_number(head: bytes) -> int:
    return int(head.split()[1].removeprefix(b"/"))


def say(number: int) -> Reply:
    return Reply(body=b"%04d" % number)


def make_series(folder: pathlib.Path, varies: bool = False) -> Series:
    answers = [Answer(200, PNG if varies else say(i).body, media_type="image/png") for i in range(20)]
    return write_series(folder, REQUESTS, answers, varies)


def test_a_request_is_written_with_its_length() -> None:
    assert Request("GET", "/a?b=c", headers=(("Origin", "d"),)).to_bytes() == (
        b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nOrigin: d\r\n\r\n"
    )
    assert Request("POST", "/", b"\r\nbody").to_bytes() == (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n\r\nbody"
    )


def test_each_request_gets_its_own_answer() -> None:
    with serve_replies(lambda head: say(find_number(head))) as port:
        answers = ask_each(port, REQUESTS)
    assert answers == [Answer(200, b"%04d" % i, media_type="image/png") for i in range(20)]


def test_answers_of_two_statuses_or_types_are_no_series(tmp_path: pathlib.Path) -> None:
    for other in (Answer(304, b"", media_type="a"), Answer(200, b"", media_type="b")):
        with pytest.raises(ValueError, match="expected answers of one status and media type"):
            write_series(tmp_path, REQUESTS[:2], [Answer(200, b"", media_type="a"), other])


def test_records_hold_any_bytes(tmp_path: pathlib.Path) -> None:
    series = write_series(tmp_path / "new", [Request("GET", "/")], [Answer(200, b"\n12\n")])
    assert series.answers.read_bytes() == b"4\n\n12\n"
    assert (series.status, series.media_type) == (200, "")


@pytest.mark.slow
def test_right_answers_pass(tmp_path: pathlib.Path) -> None:
    with serve_replies(lambda head: say(find_number(head))) as port:
        load = run_series(port, make_series(tmp_path), 4, 1)
    assert (load.errors, load.wrong) == (0, 0)
    assert load.requests > len(REQUESTS)


def one_in_50(wrong: Callable[[bytes], Reply]) -> Callable[[bytes], Reply]:
    turns = itertools.count(1)
    return lambda head: say(find_number(head)) if next(turns) % 50 else wrong(head)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        lambda _: Reply(body=b"another"),
        lambda _: say(20),
        lambda head: Reply(status=201, body=say(find_number(head)).body),
        lambda head: Reply(body=say(find_number(head)).body, headers={"content-type": "text/plain"}),
        # Right for another request: one reference comes too often.
        lambda _: say(7),
    ],
    ids=["other bytes", "no reference", "another status", "another type", "another's answer"],
)
def test_a_wrong_answer_in_fifty_is_seen(wrong: Callable[[bytes], Reply], tmp_path: pathlib.Path) -> None:
    with (
        serve_replies(one_in_50(wrong)) as port,
        pytest.raises(LoadError, match=r"received [0-9]+ others"),
    ):
        run_series(port, make_series(tmp_path), 4, 1)


@pytest.mark.slow
def test_pictures_may_vary_in_their_pixels_alone(tmp_path: pathlib.Path) -> None:
    series = make_series(tmp_path, varies=True)
    with serve_replies(lambda _: Reply(body=write_png(255 - PIXELS[0]))) as port:
        assert run_series(port, series, 2, 1).requests > 0
    for wrong in (write_png(PIXELS[0][:14]), PNG[:-1]):
        with serve_replies(lambda _: Reply(body=wrong)) as port, pytest.raises(LoadError):  # noqa: B023
            run_series(port, series, 2, 1)
