"""That the kinds are what they say: requests that differ, and checks that can fail."""

from __future__ import annotations

import pytest

from benchmarks.harness.answers import Answer, AnswerError
from benchmarks.suites.kinds.catalogue import KINDS, Kind

FEW = 8


def name(kind: Kind) -> str:
    return kind.name


def test_names_are_unique() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.count > 1 and not kind.varies], ids=name)
def test_every_request_differs_and_is_the_same_in_each_run(kind: Kind) -> None:
    requests = [kind.make(i).to_bytes() for i in range(FEW)]
    assert len(set(requests)) == FEW
    assert requests == [kind.make(i).to_bytes() for i in range(FEW)]


@pytest.mark.parametrize("kind", KINDS, ids=name)
@pytest.mark.parametrize("answer", [Answer(500, b"{}"), Answer(200, b""), Answer(200, b'{"z_mean":[]}')])
def test_no_check_takes_what_is_no_answer(kind: Kind, answer: Answer) -> None:
    with pytest.raises(AnswerError):
        kind.check(answer, 0)
