"""Say what happens in the words of the terminal: how much, how long, and how to go on."""

from __future__ import annotations

import os
import shlex
import sys

from training.cli.progress import format_duration

# Where the Makefile says what was typed.
TYPED = "TRAINING_COMMAND"
# Commands that go on where they were interrupted.
RESUMABLE = ("train", "sweep", "reproduce")


def suggest(command: str, arguments: list[str] | None) -> str:
    """Return how to go on after an interrupt, in the words of what was typed; empty if there is no such way.

    Args:
        command: Which was interrupted.
        arguments: Of the command line; unset: the process's own.
    """
    if command not in RESUMABLE:
        return ""
    typed = sys.argv[1:] if arguments is None else arguments
    resume = [] if command != "train" or "--resume" in typed else ["--resume"]
    line = os.environ.get(TYPED) or shlex.join(["python", "-m", "training", *typed, *resume])
    return f"; go on from the last whole epoch with: {line.strip()}"


def choose_verbose(given: int | None = None) -> int:
    """Return how much Keras is to say: as asked for, else a bar in a terminal and lines in a log.

    Args:
        given: 0, 1 or 2 as in `keras.Model.fit`, or None.
    """
    if given is not None:
        return given
    # Keras draws its bar anew with every step, in colour: no use in a log.
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    return 2 if plain else 1


def tell_pace(left_s: float, step_s: float, epochs: int) -> None:
    """Say on stderr how long a run will take, as `Pace` has measured."""
    left = format_duration(left_s)
    sys.stderr.write(f"\nabout {left} for {epochs} epochs, {step_s * 1000:.0f} ms a step\n")
