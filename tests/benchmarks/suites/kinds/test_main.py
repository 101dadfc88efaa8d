"""That the suite measures what it is told to and writes it down; no timing is asserted."""

from __future__ import annotations

import dataclasses
import re

import pytest

from benchmarks.harness.environments import ROOT
from benchmarks.harness.servers import ServerError
from benchmarks.peers import OURS
from benchmarks.suites.kinds import __main__ as suite
from benchmarks.suites.kinds.catalogue import KINDS
from benchmarks.suites.kinds.page import write_page
from benchmarks.suites.kinds.rounds import Found


def test_words_choose_kinds_and_none_chooses_all() -> None:
    assert suite.choose([]) == list(KINDS)
    names = [kind.name for kind in suite.choose(["GIF", "health"])]
    assert names == ["GET /interpolate.gif, 16 frames", "GET /health/ready", "GET /health/live"]


def test_a_whole_name_chooses_its_kind_alone() -> None:
    assert [kind.name for kind in suite.choose(["post /decode"])] == ["POST /decode"]
    assert len(suite.choose(["POST /dec"])) > 1


def test_a_word_in_no_name_is_refused() -> None:
    with pytest.raises(SystemExit, match="received 'nonsense'"):
        suite.choose(["gif", "nonsense"])


def test_the_page_has_medians_ranges_and_what_is_missing() -> None:
    first, second = KINDS[:2]
    rounds = [
        {"ours": {first: Found(300, 10, 3), second: Found(100, 30, 1)}, "before": {first: Found(100, 20, 1)}},
        {"ours": {first: Found(200, 12, 2), second: Found(90, 32, 2)}, "before": {first: Found(200, 22, 2)}},
        {"ours": {first: Found(100, 14, 1), second: Found(80, 34, 5)}, "before": {first: Found(100, 24, 1)}},
    ]
    lines = write_page(rounds, ["ours", "before"], [first, second], 3).splitlines()
    columns = "2.00 (1.00 - 3.00) | 12 | 1.00 (1.00 - 2.00) | 22 | 1.00 (1.00 - 3.00)"
    assert f"| {first.name} | {first.goal} | {columns} |" in lines
    assert f"| {second.name} | ≥ 1.1 | 2.00 (1.00 - 5.00) | 32 |  |  |  |" in lines


def test_a_kind_that_this_service_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "learn_kinds", lambda _peer, kinds, _folder: dict.fromkeys(kinds[:1]))
    with pytest.raises(ServerError, match=f"received none to {re.escape(KINDS[1].name)}$"):
        suite.measure_rounds([OURS], KINDS[:2], 1, 1)


@pytest.mark.slow
def test_kinds_of_two_checkouts_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The same checkout twice; a kind that varies, and one whose client has it.
    words = ["no seed", "304"]
    few = [dataclasses.replace(kind, count=40) for kind in KINDS]
    monkeypatch.setattr(suite, "KINDS", few)
    options = ["--rounds", "1", "--seconds", "1", "--tree", str(ROOT), "--name", "again", "--only", *words]
    assert suite.main(options) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert "again: ratio" in rows[0]
    assert len(rows) == 2 + len(words)
    figures = [cell.strip("| ").split()[0] for row in rows[2:] for cell in row[2:]]
    assert len(figures) == 5 * len(words)
    assert all(float(figure) > 0 for figure in figures)
