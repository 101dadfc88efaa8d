"""That requests of many vectors are held against what a loop makes of them."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from benchmarks.harness import answers
from benchmarks.harness.servers import Server
from benchmarks.peers import Peer
from benchmarks.peers.session import decode, open_session
from benchmarks.suites import bulk
from tests.benchmarks.harness.pictures import save, write_png
from tests.reliability.peer import Reply, serve_replies

MANY = np.random.default_rng(0).standard_normal((bulk.ROWS, 2)).astype(np.float32)


def make_peer(name: str, *command: str) -> Peer:
    return Peer(name, "for a test", command, "fastapi", None)


@pytest.mark.parametrize("query", bulk.ANSWERS.values())
def test_bulk_tells_a_short_answer_from_a_whole_one(query: str) -> None:
    pictures = decode(open_session(), MANY)
    sheet = pictures.reshape(16, 16, 28, 28).swapaxes(1, 2).reshape(448, 448)

    def write(count: int) -> bytes:
        if "png" in query:
            return write_png(sheet[: count // 16 * 28])
        if "json" in query:
            return json.dumps({"images": pictures[:count].tolist()}).encode()
        return save(pictures[:count] if "uint8" in query else pictures[:count].astype(np.float32) / 255)

    for count in (bulk.ROWS, bulk.ROWS // 2):
        body = write(count)
        with serve_replies(lambda _: Reply(body=body, headers={"connection": "close"})) as port:  # noqa: B023
            server = Server(make_peer("fake"), os.getpid(), port)
            if count == bulk.ROWS:
                assert bulk.find_answer(server, query, "{}", MANY).body == body
            else:
                with pytest.raises(answers.AnswerError, match="expected pictures of shape"):
                    bulk.find_answer(server, query, "{}", MANY)
