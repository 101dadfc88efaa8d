from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

from training.cli import terminal

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (terminal.TYPED, "NO_COLOR", "MAKEFLAGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("command", "arguments", "line"),
    [
        ("train", ["train", "--data", "a b"], "python -m training train --data 'a b' --resume"),
        ("train", ["train", "--resume"], "python -m training train --resume"),
        ("sweep", ["sweep", "--grid", "beta=1,2"], "python -m training sweep --grid beta=1,2"),
        ("reproduce", ["reproduce", "mnist-2d"], "python -m training reproduce mnist-2d"),
    ],
)
def test_the_hint_is_the_command_that_was_typed(command: str, arguments: list[str], line: str) -> None:
    assert terminal.suggest(command, arguments) == f"; go on from the last whole epoch with: {line}"


def test_the_hint_is_taken_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["training/__main__.py", "train", "--seed", "3"])
    assert terminal.suggest("train", None).endswith("python -m training train --seed 3 --resume")


def test_of_make_the_hint_is_what_was_given_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(terminal.TYPED, "make train RUN=y ")
    assert terminal.suggest("train", ["train"]) == "; go on from the last whole epoch with: make train RUN=y"


@pytest.mark.parametrize(
    ("variables", "typed", "epochs"),
    [(["RUN=runs/y", "EPOCHS=3"], ["RUN=runs/y", "EPOCHS=3"], " --epochs 3"), ([], [], "")],
)
def test_the_makefile_says_what_was_typed(variables: list[str], typed: list[str], epochs: str) -> None:
    command = ["make", "-n", "-o", ".venv-train/.train", "train", *variables]
    # Under another make, as in `make test`, this one would say so, and take its variables.
    inherited = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "RUN", "EPOCHS")
    environment = {name: value for name, value in os.environ.items() if name not in inherited}
    made = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    recipe = made.stdout
    found = re.fullmatch(r'TRAINING_COMMAND="make train ?(.*)" .* --resume(.*)\n', recipe)
    assert found, recipe
    assert sorted(found[1].split()) == sorted(typed)
    assert found[2].rstrip() == epochs


def test_what_does_not_go_on_has_no_hint() -> None:
    assert terminal.suggest("evaluate", ["evaluate", "models/x"]) == ""


@pytest.mark.parametrize(
    ("terminal_there", "no_color", "given", "found"),
    [
        (True, "", None, 1),
        (False, "", None, 2),
        (True, "1", None, 2),
        (False, "", 1, 1),
        (True, "", 0, 0),
    ],
)
def test_bars_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch, terminal_there: bool, no_color: str, given: int | None, found: int
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal_there)
    monkeypatch.setenv("NO_COLOR", no_color)
    assert terminal.choose_verbose(given) == found


def test_the_pace_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.tell_pace(840, 0.0214, 80)
    assert capsys.readouterr().err == "\nabout 14 min for 80 epochs, 21 ms a step\n"
