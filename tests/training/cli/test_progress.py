from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from training.cli import progress
from training.cli.progress import Progress, count_pictures, format_duration
from training.data.datasets import Split
from training.evaluation.metrics import figures
from training.models.encoding import Posteriors


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def play(terminal: bool, seconds: list[float], total: int = 100) -> str:
    """What is written while ten pictures are decoded at each of some seconds."""
    clock = iter([0.0, *seconds])
    stream = Stream(terminal)
    line = Progress("evaluate", total, stream, lambda: next(clock))
    for _ in seconds:
        line.add(10)
    line.close()
    return stream.getvalue()


def test_what_is_short_needs_no_line() -> None:
    assert play(True, [0.5, 1.9]) == play(False, [0.5, 1.9]) == ""


def test_a_terminal_has_one_line_which_goes_away() -> None:
    text = play(True, [1, 2, 2.1, 2.6])
    assert text == "\revaluate: 20%, 8 s left\x1b[K\revaluate: 40%, 4 s left\x1b[K\r\x1b[K"


def test_a_log_has_a_line_now_and_then_and_no_escapes() -> None:
    text = play(False, [10, 20, 30, 41])
    assert text == "evaluate: 10%, 2 min left\nevaluate: 40%, 62 s left\n"


def test_what_takes_longer_than_foretold_is_nearly_done() -> None:
    assert play(False, [1, 2, 90], total=10) == "evaluate: nearly done\nevaluate: nearly done\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (9000, "2.5 h")]
)
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_who_wants_quiet_hears_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    monkeypatch.setattr(progress, "LOG_S", 0.0)
    for quiet in (False, True):
        with progress.watching("evaluate", 10, quiet=quiet) as watch:
            watch(lambda z, _: z)(np.zeros((5, 2), np.float32), np.zeros(5, np.int64))
        assert capsys.readouterr().err.startswith("evaluate: 50%") != quiet


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("samples", [0, 20])
def test_as_many_pictures_are_decoded_as_foretold(conditional: bool, samples: int) -> None:
    random = np.random.RandomState(0)
    x = random.randint(0, 256, (8, 4, 4, 1), np.uint8)
    split = Split(x, np.arange(8) % 2)
    z_mean = random.standard_normal((8, 3)).astype(np.float32)
    q = Posteriors(z_mean, np.zeros((8, 3), np.float32), split.label)
    decoded = 0

    def decode(z: Any, label: Any) -> Any:
        nonlocal decoded
        decoded += len(z)
        return np.full((len(label), 4, 4, 1), 0.5, np.float32)

    line = Progress("evaluate", 1)
    figures(line.watch(decode), q, q, split, "test", 0, samples, conditional=conditional)
    assert decoded == count_pictures(8, samples, 2 if conditional else 0)
