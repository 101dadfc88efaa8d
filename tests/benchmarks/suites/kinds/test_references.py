"""That only right answers become references, and that a held one is asked for as such."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest

from benchmarks.harness.series import Request
from benchmarks.harness.servers import ServerError
from benchmarks.suites.kinds.catalogue import KINDS, Kind
from benchmarks.suites.kinds.making import decode_vectors
from benchmarks.suites.kinds.references import learn
from tests.benchmarks.harness.pictures import write_png
from tests.reliability.peer import Reply, serve_replies

GET = next(kind for kind in KINDS if kind.name == "GET /decode.png")
HELD = next(kind for kind in KINDS if kind.held)


def shorten(kind: Kind) -> Kind:
    return dataclasses.replace(kind, count=3, make=lambda i: Request("GET", f"/{i}"))


def answer(head: bytes, shift: int = 0) -> Reply:
    number = int(head.split()[1].removeprefix(b"/"))
    tag = b'"%d"' % number
    if b"If-None-Match: " + tag in head:
        return Reply(status=304, body=b"", headers={"content-length": "0"})
    return Reply(body=write_png(decode_vectors(number + shift)[0]), headers={"etag": tag.decode()})


def test_right_answers_become_references(tmp_path: pathlib.Path) -> None:
    with serve_replies(answer) as port:
        series = learn(port, shorten(GET), tmp_path)
    assert series is not None
    assert (series.status, series.media_type) == (200, "image/png")
    assert all(write_png(decode_vectors(i)[0]) in series.answers.read_bytes() for i in range(3))


def test_a_held_answer_is_asked_for_with_its_tag(tmp_path: pathlib.Path) -> None:
    with serve_replies(answer) as port:
        series = learn(port, shorten(HELD), tmp_path)
    assert series is not None
    assert (series.status, series.answers.read_bytes()) == (304, b"0\n0\n0\n")
    assert b'GET /2 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "2"\r\n' in series.requests.read_bytes()


def test_anothers_picture_is_no_reference(tmp_path: pathlib.Path) -> None:
    with (
        serve_replies(lambda head: answer(head, shift=1)) as port,
        pytest.raises(ServerError, match=r"GET /decode\.png: expected the pictures of these vectors"),
    ):
        learn(port, shorten(GET), tmp_path)


def test_another_media_type_is_no_reference(tmp_path: pathlib.Path) -> None:
    kind = dataclasses.replace(shorten(GET), media_type="image/webp")
    with serve_replies(answer) as port, pytest.raises(ServerError, match="expected image/webp"):
        learn(port, kind, tmp_path)


def test_a_tag_that_is_not_known_again_is_an_error(tmp_path: pathlib.Path) -> None:
    with (
        serve_replies(lambda head: answer(head.replace(b"If-None-Match", b"Other"))) as port,
        pytest.raises(ServerError, match="expected 304 and nothing"),
    ):
        learn(port, shorten(HELD), tmp_path)


def test_a_kind_that_is_refused_is_left_out(tmp_path: pathlib.Path) -> None:
    with serve_replies(lambda _: Reply(status=404)) as port:
        assert learn(port, shorten(GET), tmp_path) is None
