"""That overload counts no wrong answer as a success."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

import pytest

from benchmarks.harness import answers
from benchmarks.suites import overload
from benchmarks.suites.kinds.making import decode_vectors
from tests.benchmarks.harness.pictures import save
from tests.reliability.peer import Reply, serve_replies


def flood_fake(reply: Callable[[bytes], Reply]) -> list[overload.Answer]:
    async def scene(port: int) -> list[overload.Answer]:
        client = overload.Client(port)
        try:
            await client.learn()
            return [await client.send(i, time.monotonic()) for i in range(3)]
        finally:
            client.close()

    with serve_replies(reply) as port:
        return asyncio.run(scene(port))


def test_a_capacity_of_wrong_answers_is_an_error() -> None:
    pictures = decode_vectors(0, 1024)
    turns = itertools.count()

    async def scene(port: int) -> float:
        client = overload.Client(port)
        try:
            await client.learn()
            return await overload.find_capacity(client)
        finally:
            client.close()

    with (
        serve_replies(lambda _: Reply(body=save(pictures[:512] if next(turns) == 5 else pictures))) as port,
        pytest.raises(answers.AnswerError, match="received other bytes"),
    ):
        asyncio.run(scene(port))


def test_overload_counts_no_short_answer_as_a_success() -> None:
    pictures = decode_vectors(0, 1024)
    whole, short = save(pictures), save(pictures[:512])
    assert {answer.status for answer in flood_fake(lambda _: Reply(body=whole))} == {200}
    bodies = iter((whole, short, whole, short))
    found = flood_fake(lambda _: Reply(body=next(bodies)))
    assert [answer.status for answer in found] == [overload.WRONG, 200, overload.WRONG]
    with pytest.raises(answers.AnswerError, match="received \\(512, 28, 28\\)"):
        flood_fake(lambda _: Reply(body=short))


@pytest.mark.slow
def test_overload_is_answered_or_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overload, "CLOSED_S", 0.5)
    monkeypatch.setattr(overload, "OPEN_S", 1.0)
    assert overload.main() == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[1] for row in rows[:4]] == ["status", "---", "200", "429"]
    assert all(int(row[2]) > 0 for row in rows[2:4])
    counts = {(row[0].removeprefix("| "), row[1]): int(row[2]) for row in rows[6:]}
    answered = {kind for kind, status in counts if status == "200"}
    assert answered == {*(kind.name for kind in overload.MIXED), "all"}
    assert counts["all", "429"] > 0
