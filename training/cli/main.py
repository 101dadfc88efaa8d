"""Parse the command line and run the command that it names: `python -m training --help`."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from training.cli import bundles, reports, runs, terminal
from training.cli.options import make_parser
from training.config import TrainingError

FAILED = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Of the command line; unset: the process's own.

    Returns:
        The exit status: 0, 2 for a request that cannot be met, 3 if what was measured hardly uses its latent
        space, 130 after an interrupt.
    """
    options, output = make_parser().parse_args(arguments), sys.stdout
    try:
        with _silence():
            import tensorflow  # noqa: F401
        # What a command finds goes to standard output, which it is handed; how far Keras is, does not.
        with contextlib.redirect_stdout(sys.stderr):
            return COMMANDS[options.command](options, output) or 0
    except ModuleNotFoundError as error:
        sys.stderr.write(f"training: {error.name} is not installed: pip install 'cvae-service[train]'\n")
        return FAILED
    except (TrainingError, OSError) as error:
        sys.stderr.write(f"training: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"\ntraining: interrupted{terminal.suggest(options.command, arguments)}\n")
        return INTERRUPTED


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Discard what TensorFlow's libraries write while they load, before they read any setting."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    try:
        with pathlib.Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


COMMANDS: dict[str, Callable[[argparse.Namespace, TextIO], int | None]] = {
    "train": runs.train,
    "sweep": runs.sweep,
    "evaluate": bundles.evaluate,
    "export": bundles.export,
    "prior": bundles.prior,
    "reproduce": runs.reproduce,
    "judge": reports.judge,
    "compare": reports.compare,
    "report": reports.report,
    "project": reports.project,
}
