"""Who misbehaves but deserves an answer says so if it is wrong; a pause of the loop is seen."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.reliability.faulty import Faulty
from tests.reliability.peer import BODY, Reply, make_reference, serve_replies
from tests.reliability.probe import END, Probe

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
DESERVING = ("read_late", "pipeline", "speak_http_1_0", "close_one_half")


def try_way(name: str, reply: Reply) -> list[str]:
    with serve_replies(lambda _: reply) as port:
        faulty = Faulty(port, [make_reference()], hold_s=0.05)
        asyncio.run(asyncio.wait_for(faulty.try_way(getattr(faulty, name)), 60))
    assert faulty.counts == {name: 1}
    return [fault.text for fault in faulty.faults]


@pytest.mark.parametrize("name", DESERVING)
def test_who_gets_the_right_answer_is_content(name: str) -> None:
    assert try_way(name, Reply()) == []


@pytest.mark.parametrize("name", DESERVING)
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=BODY[:1000]), "expected '2048', received '1000'"),
        (Reply(sent=500), "expected a whole answer"),
        (Reply(sent=0), "expected a whole answer, received 0 bytes"),
        (Reply(status=500), "expected status 200, received 500"),
    ],
)
def test_who_gets_another_complains(name: str, reply: Reply, reason: str) -> None:
    faults = try_way(name, reply)
    assert faults
    assert faults[0].startswith(f"{name}: ")
    assert reason in faults[0]


def test_chunks_are_nothing_for_http_1_0() -> None:
    (fault,) = try_way("speak_http_1_0", Reply(chunked=True))
    assert fault == "speak_http_1_0: a picture: expected no chunks, received them"


def test_what_is_no_request_must_be_refused_and_the_connection_ended() -> None:
    assert try_way("send_garbage_behind", Reply(raw=Reply().to_bytes("") + BAD_REQUEST)) == []
    assert "expected a 400" in try_way("send_garbage_behind", Reply(sent=10**6))[0]


def test_an_oversized_head_must_be_refused_or_ended() -> None:
    assert try_way("send_an_oversized_head", Reply(raw=BAD_REQUEST)) == []
    assert try_way("send_an_oversized_head", Reply(sent=0)) == []
    assert "received 500" in try_way("send_an_oversized_head", Reply(status=500))[0]


@pytest.mark.parametrize(
    "name", ["send_half_a_head", "send_half_a_body", "stay_silent", "leave_early", "reset_early"]
)
def test_who_goes_by_itself_is_owed_nothing(name: str) -> None:
    assert try_way(name, Reply(delay_s=5)) == []


def test_nobody_listening_is_a_fault() -> None:
    with serve_replies(lambda _: Reply()) as port:
        pass
    faulty = Faulty(port, [make_reference()])
    asyncio.run(faulty.try_way(faulty.stay_silent))
    assert "expected a connection" in faulty.faults[0].text


def test_a_pause_of_the_loop_is_measured() -> None:
    heads: list[bytes] = []

    def answer(head: bytes) -> Reply:
        heads.append(head)
        return Reply(body=END, delay_s=0.25 if len(heads) == 20 else 0)

    with serve_replies(answer) as port, Probe(port) as probe:
        while len(heads) < 30:
            assert not probe.failures
            time.sleep(0.01)
    found = probe.summarise()
    assert found.longest_ms >= 200
    assert found.p50_ms < 200
