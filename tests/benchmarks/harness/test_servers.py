"""That a peer passes only with the answer of the vector that it was sent."""

from __future__ import annotations

import dataclasses
import os
from typing import Literal

import pytest

from benchmarks.harness.answers import Answer
from benchmarks.harness.servers import Server, ServerError
from benchmarks.peers import Peer
from tests.benchmarks.harness.pictures import PIXELS, say_tensor, write_png
from tests.reliability.peer import Reply, serve_replies


def make_peer(name: str, *command: str) -> Peer:
    return Peer(name, "for a test", command, "fastapi", None)


def ask_at(port: int, answer: Literal["png", "tensor", "empty"] = "png") -> Answer:
    peer = dataclasses.replace(make_peer("fake"), answer=answer)
    return Server(peer, os.getpid(), port).check()


@pytest.mark.parametrize(
    ("kind", "body"),
    [("png", write_png(PIXELS[0])), ("tensor", say_tensor(PIXELS, "a")), ("empty", b"")],
)
def test_a_peer_that_answers_rightly_passes(kind: Literal["png", "tensor", "empty"], body: bytes) -> None:
    with serve_replies(lambda _: Reply(body=body, headers={"connection": "close"})) as port:
        assert ask_at(port, kind).body == body


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("png", write_png(PIXELS[0][:14]), "received \\(1, 14, 28\\)"),
        ("png", write_png(255 - PIXELS[0]), "received others"),
        ("png", write_png(PIXELS[0])[:100], "expected pictures"),
        ("png", b"", "expected pictures"),
        ("tensor", say_tensor(PIXELS[:, :14], "a"), "received \\(1, 14, 28\\)"),
        ("tensor", say_tensor(255 - PIXELS, "a"), "received others"),
        ("empty", b"something", "expected 200 and nothing"),
    ],
)
def test_a_peer_that_answers_short_or_wrongly_is_an_error(
    kind: Literal["png", "tensor", "empty"], body: bytes, reason: str
) -> None:
    with (
        serve_replies(lambda _: Reply(body=body, headers={"connection": "close"})) as port,
        pytest.raises(ServerError, match=reason),
    ):
        ask_at(port, kind)
