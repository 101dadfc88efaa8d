"""The load sees what is wrong with answers: a harness that cannot would prove nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import socket

import pytest

from tests.reliability import load as loads
from tests.reliability.load import Load
from tests.reliability.peer import BODY, Reply, make_reference, serve_replies
from tests.reliability.references import judge
from tests.reliability.tally import LOST, Tally
from tests.reliability.wire import Answer, connect

REFUSAL = json.dumps({"status": 429, "detail": "the queue is full"}).encode()
WRONG = bytes(BODY[:700]) + b"!" + BODY[701:]
SOME = 3


def ask(reply: Reply, style: str = "kept", requests: int = SOME) -> Tally:
    """Runs a load of one client until the server has had so many requests, each answered in the same way."""
    load = Load(1, [make_reference()], seed=1, styles=[style])
    asked = itertools.count(1)

    def answer(_head: bytes) -> Reply:
        if next(asked) >= requests:
            load.stop()
        return reply

    with serve_replies(answer) as port:
        load.port = port
        return asyncio.run(asyncio.wait_for(load.run(1), 30))


@pytest.mark.parametrize("style", ["kept", "fresh", "pipelined", "pieces"])
@pytest.mark.parametrize("chunked", [False, True])
def test_right_answers_are_right(style: str, chunked: bool) -> None:
    reply = Reply(chunked=chunked)
    tally = ask(reply, style, 20)
    if chunked:
        # The reference has a length, which an answer in chunks lacks.
        assert tally.verdicts["wrong"] == tally.verdicts.total() >= 20
        assert "content-length: expected '2048', received None" in tally.notes[0]
    else:
        assert (tally.faults, tally.losses, tally.notes) == (0, [], [])
        assert tally.verdicts["right"] == tally.requests >= 20
        assert tally.answered_bytes == tally.requests * len(BODY)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=BODY[:1024]), "content-length: expected '2048', received '1024'"),
        (Reply(body=WRONG), "expected byte 700 of 2048 to be 188, received 33"),
        (Reply(headers={"content-type": "image/webp"}), "content-type: expected 'image/png'"),
        (Reply(headers={"etag": '"new"'}), "etag: expected None"),
        (Reply(headers={"x-request-id": "another"}), "another request's answer"),
        (Reply(status=404), "expected status 200, received 404"),
        (Reply(status=429, body=REFUSAL), "expected status 200, received 429"),
        (Reply(status=429, body=b"busy", headers={"retry-after": "1"}), "expected status 200, received 429"),
    ],
)
def test_a_wrong_answer_is_an_error(reply: Reply, reason: str) -> None:
    tally = ask(reply)
    assert tally.verdicts["wrong"] == tally.faults > 0
    assert reason in tally.notes[0]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_5xx_that_does_not_say_why_is_an_error(status: int) -> None:
    tally = ask(Reply(status=status, body=b"<html>"))
    assert tally.verdicts["failed"] == tally.faults >= SOME
    assert set(tally.statuses) == {str(status)}


@pytest.mark.parametrize("status", [503, 504])
def test_an_announced_refusal_is_counted_and_no_error(status: int) -> None:
    tally = ask(Reply(status=status, body=json.dumps({"status": status}).encode()))
    assert tally.verdicts["busy"] >= SOME
    assert tally.faults == 0
    tally = ask(Reply(status=429, body=REFUSAL, headers={"retry-after": "2"}))
    assert tally.verdicts["busy"] >= SOME


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Reply(sent=1000), "cut"),
        (Reply(sent=10), "cut"),
        (Reply(sent=1000, reset=True), "cut"),
        (Reply(sent=1000, chunked=True), "cut"),
        (Reply(sent=2100, chunked=True), "cut"),
        (Reply(sent=0), "unanswered"),
        (Reply(sent=0, reset=True), "unanswered"),
        (Reply(raw=b"220 mail.example.com ESMTP\r\n\r\n"), "garbled"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"), "garbled"),
    ],
)
def test_a_request_without_a_whole_answer_is_lost(reply: Reply, fate: str) -> None:
    tally = ask(reply)
    assert tally.count_fates() == {fate: SOME}
    assert tally.faults == SOME
    loss = tally.losses[0]
    assert loss.name == "a picture"
    assert loss.opened <= loss.sent <= loss.ended
    assert loss.reset == reply.reset


def test_an_answer_that_never_comes_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "PATIENCE_S", 0.1)
    assert ask(Reply(delay_s=5), requests=1).count_fates() == {"late": 1}


def test_of_pipelined_requests_the_later_are_lost_too() -> None:
    asked = itertools.count(1)

    async def scene(port: int) -> Tally:
        load = Load(port, [make_reference()], seed=1, styles=["pipelined"])
        connection = await connect(port)
        await load._ask(connection, load._choose(6), "pipelined")
        connection.close()
        return load.tally

    with serve_replies(lambda _: Reply(sent=None if next(asked) <= 2 else 50)) as port:
        tally = asyncio.run(scene(port))
    assert tally.verdicts["right"] == 2
    assert tally.count_fates() == {"cut": 1, "unanswered": 3}


def test_what_is_sent_behind_an_announced_close_is_told_apart() -> None:
    async def scene(port: int) -> Tally:
        load = Load(port, [make_reference()])
        connection = await connect(port)
        await load._ask(connection, load._choose(4), "pipelined")
        connection.close()
        return load.tally

    with serve_replies(lambda _: Reply(headers={"connection": "close"})) as port:
        tally = asyncio.run(scene(port))
    assert tally.verdicts == {"right": 1}
    assert tally.count_fates() == {"withdrawn": 3}
    assert (tally.requests, tally.faults) == (1, 0)


def test_answers_that_change_places_are_seen() -> None:
    """Two pictures of the same kind, whose answers are exchanged."""
    one, other = make_reference("one", "/one"), make_reference("other", "/other")
    object.__setattr__(other, "body", WRONG)

    async def scene(port: int) -> Tally:
        load = Load(port, [one, other])
        connection = await connect(port)
        await load._ask(connection, [(one, ""), (other, "")], "pipelined")
        connection.close()
        return load.tally

    with serve_replies(lambda head: Reply(body=BODY if b"/one" in head else WRONG)) as port:
        assert asyncio.run(scene(port)).faults == 0
    with serve_replies(lambda head: Reply(body=WRONG if b"/one" in head else BODY)) as port:
        assert asyncio.run(scene(port)).verdicts == {"wrong": 2}


def test_who_is_refused_says_so_and_goes_once_the_service_leaves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    load = Load(port, [make_reference()])
    load.leaving = True
    tally = asyncio.run(load.run(3))
    assert tally.count_fates() == {"refused": 3}
    assert "refused" in LOST
    assert tally.requests == 0


def test_a_tally_survives_its_way_to_another_process() -> None:
    tally = ask(Reply(sent=1000))
    tally.add(ask(Reply(status=500, body=b"")))
    assert Tally.from_json(tally.to_json()) == tally
    assert tally.faults == tally.requests == 2 * SOME


@pytest.mark.parametrize(
    ("kind", "body", "verdict"),
    [
        ("application/problem+json", b"", "busy"),
        ("text/plain", b"", "wrong"),
        ("application/problem+json", b"?", "wrong"),
    ],
)
def test_a_refusal_of_head_is_known_by_its_form(kind: str, body: bytes, verdict: str) -> None:
    reference = dataclasses.replace(make_reference(), method="HEAD")
    answer = Answer(429, {"content-type": kind, "retry-after": "1"}, body, closes=False)
    assert judge(reference, answer).verdict == verdict
