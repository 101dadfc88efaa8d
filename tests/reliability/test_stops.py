"""What a stop loses is told from what it may refuse."""

from __future__ import annotations

import pytest

from tests.reliability.stops import Stop
from tests.reliability.tally import Fate, Loss, Tally

TOLD, DRAINED = 100.0, 102.0


def make_stop(*losses: Loss) -> Stop:
    return Stop(Tally(losses=list(losses)), told=TOLD, unready=TOLD, status=0, exit_s=2.5, drained=DRAINED)


def lose(fate: Fate, opened: float, sent: float, ended: float = 0.0, before: int = 3) -> Loss:
    return Loss(fate, "a case", opened, sent, ended or sent + 0.01, before)


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (lose("cut", 99, 101), "cut"),
        (lose("cut", 99, 103), "cut"),
        (lose("late", 99, 101), "late"),
        (lose("unanswered", 99, 101), "unanswered"),
        (lose("unanswered", 99, 101.9, 102.1), "unanswered"),
        (lose("unanswered", 101.9, 101.9, 102.1, before=0), "unaccepted"),
        (lose("unanswered", 101.8, 101.8, 101.9, before=0), "unanswered"),
        (lose("unanswered", 99, 102.5), "raced"),
        (lose("refused", 101, 101), "refused"),
        # Nobody need listen any more, nor read from a connection that was opened only then.
        (lose("refused", 102.5, 102.5), None),
        (lose("unanswered", 102.4, 102.5), None),
        # An answer before it has said so.
        (lose("withdrawn", 99, 101), None),
    ],
)
def test_each_loss_has_its_kind(loss: Loss, kind: str | None) -> None:
    stop = make_stop(loss)
    assert stop.classify() == ({} if kind is None else {kind: 1})
    assert stop.lost == len(stop.faults) == (kind is not None)


def test_a_stop_without_losses_may_be_wrong_still() -> None:
    assert make_stop().faults == []
    stop = make_stop()
    stop.status, stop.unready, stop.relapses, stop.log = -9, None, 2, ["Traceback"]
    stop.tally.verdicts["wrong"] = 1
    assert [fault.partition(":")[0] for fault in stop.faults] == [
        "wrong",
        "readiness",
        "readiness",
        "exit status",
        "log",
    ]
