"""Read and write files, stdin and stdout; errors name the file in one line."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from typing import TextIO

import click

from service.cli.outputs import Output

STDIN = STDOUT = "-"
CLOSED = "it is closed"


def read(name: str) -> bytes:
    """Read a file; `-` is stdin.

    Raises:
        click.UsageError: The file cannot be read.
    """
    try:
        if name != STDIN:
            return pathlib.Path(name).read_bytes()
        if sys.stdin is not None:
            return sys.stdin.buffer.read()
        reason: str | None = CLOSED
    except OSError as error:
        reason = error.strerror
    raise click.UsageError(f"{'stdin' if name == STDIN else name}: cannot read it: {reason}")


def write(output: Output, content: bytes) -> None:
    """Write a result to a file or to stdout, where JSON ends with a newline; show it if that is asked for.

    Raises:
        click.ClickException: The result cannot be written. An existing file stays as it was.
    """
    if output.path not in (None, STDOUT):
        _save(output, content)
    elif output.show is None:
        _write_stdout(content + (b"\n" if output.format == "json" else b""))
    if output.show is not None:
        from service.cli.terminal.show import show

        _write_stdout(show(content, None if output.show == "auto" else output.show))  # type: ignore[arg-type]


def _save(output: Output, content: bytes) -> None:
    from service.client.saving import save

    try:
        save(str(output.path), content)
    except OSError as error:
        raise click.ClickException(f"{output.path}: cannot write it: {error.strerror}") from error


def write_text(text: str) -> None:
    """Write text and a newline to stdout.

    Raises:
        click.ClickException: stdout cannot be written to.
    """
    _write_stdout(f"{text}\n".encode())


def discard(stream: TextIO | None) -> None:
    """Discard what stdout or stderr still buffers, so that Python does not write it at exit."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def _write_stdout(content: bytes) -> None:
    if sys.stdout is None:
        raise click.ClickException(f"stdout: cannot write it: {CLOSED}")
    try:
        rest = memoryview(content)
        # With PYTHONUNBUFFERED, one write may take only a part of the content.
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except OSError as error:
        discard(sys.stdout)
        raise click.ClickException(f"stdout: cannot write it: {error.strerror}") from error
