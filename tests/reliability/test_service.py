"""The harness against the service, for seconds; `make soak` runs the whole of it."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from tests.reliability import soak, watched
from tests.reliability.bombs import send_bomb
from tests.reliability.disturbed import serve_disturbed
from tests.reliability.hostile import BOMBS
from tests.reliability.idle import hold
from tests.reliability.making import Made, write_references
from tests.reliability.serving import serve
from tests.reliability.stops import Plan, lighten, stop_once
from tests.reliability.tally import LOST

pytestmark = pytest.mark.slow

SOAK_S, CONNECTIONS = 8.0, 16
IDLE = 300
DISTURBED_S, LOSING_S = 40.0, 8.0
EVERY = 8


def test_answers_at_rest_are_those_of_the_truth(made: Made) -> None:
    assert made.faults == []
    assert len(made.references) > 100


def test_under_load_every_answer_is_whole_and_right(made: Made, tmp_path: pathlib.Path) -> None:
    """No figure of time or memory is asserted: a machine that tests is busy. `make soak` measures them."""
    write_references(made.references, path := tmp_path / "references")
    plan = soak.Plan(SOAK_S, CONNECTIONS, processes=1, faulty=12)
    with serve(tmp_path) as service:
        result = soak.soak(service, path, plan)
    assert result.faults == []
    assert result.tally.notes == []
    assert [loss for loss in result.tally.losses if loss.fate in LOST] == []
    assert result.tally.verdicts["right"] > 100
    assert len(result.misbehaved) == 12


@pytest.mark.parametrize(("workers", "reloads", "kills"), [(1, 20, 0), (2, 20, 0), (2, 2, 2)])
def test_under_reloads_and_kills_every_answer_is_of_one_version(
    tmp_path: pathlib.Path, workers: int, reloads: int, kills: int
) -> None:
    """Each reload is asked for amid the copy too, when it is refused."""
    plan = soak.Plan(DISTURBED_S, CONNECTIONS, processes=1, faulty=12 if kills else 0)
    with serve_disturbed(tmp_path, workers, {}, reloads, kills, every=EVERY) as (service, path, disturber, _):
        result = soak.soak(service, path, plan, disturber)
    assert result.faults == []
    assert result.tally.notes == []
    assert [loss for loss in result.tally.losses if loss.fate in LOST] == []
    assert result.tally.verdicts["right"] > 100
    assert len(disturber.killed) == kills
    assert len(list((tmp_path / watched.PAUSES).glob("*.json"))) == workers + kills
    assert watched.read(tmp_path)


def test_a_version_that_is_lost_is_found(tmp_path: pathlib.Path) -> None:
    """By who asks for it after a reload, and by who makes the load."""
    plan = soak.Plan(LOSING_S, CONNECTIONS, processes=1, faulty=0)
    settings = {"CVAE_KEEP_VERSIONS": "0"}
    with serve_disturbed(tmp_path, 1, settings, 1, 0, every=10 * EVERY) as (
        service,
        path,
        disturber,
        at_rest,
    ):
        result = soak.soak(service, path, plan, disturber)
    assert at_rest == []
    assert any("/decode.npy?z=0.5,-1.0&model=mnist-2d@" in fault for fault in result.faults)
    assert any("expected status 200, received 404" in note for note in result.tally.notes)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_loses_nothing(made: Made, tmp_path: pathlib.Path, workers: int) -> None:
    stop = stop_once(tmp_path, lighten(made.references), Plan(workers))
    assert stop.faults == []
    assert stop.lost == 0
    assert stop.tally.requests > 100


def test_idle_connections_are_kept_and_cost_others_nothing(tmp_path: pathlib.Path) -> None:
    with serve(tmp_path) as service:
        result = asyncio.run(hold(service, IDLE))
    assert (result.opened, result.closed, result.fresh, result.log) == (IDLE, 0, 200, [])
    assert result.answered == result.woken > 0


# Those that are over at once; the others are of `make soak`.
QUICK = [name for name, bomb in BOMBS.items() if bomb.within_s <= 10]


def test_what_once_stopped_the_process_is_refused(tmp_path: pathlib.Path) -> None:
    """All of one service: it must have got over each by the time the next comes."""
    with serve(tmp_path) as service:
        # What gets no answer has it ended.
        results = [send_bomb(service, name, BOMBS[name]) for name in QUICK if service.is_alive()]
    timed = ("another's p99", "memory")
    faults = [fault for result in results for fault in result.faults]
    assert [fault for fault in faults if not any(word in fault for word in timed)] == []
