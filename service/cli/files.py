"""Owns reading and writing files, stdin and stdout, and the line that says which of them failed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from typing import TextIO

import click

from service.cli.options import Output

STDIN = STDOUT = "-"
CLOSED = "it is closed"


def read(name: str) -> bytes:
    """Read a file; `-` is stdin.

    Raises:
        click.UsageError: It cannot be read.
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
    """Write a result, to a file or to stdout; JSON ends in a new line there.

    Raises:
        click.ClickException: It cannot be written. A file is then as it was before.
    """
    if output.path in (None, STDOUT):
        _write_stdout(content + (b"\n" if output.format == "json" else b""))
        return
    from service.client.saving import save

    try:
        save(str(output.path), content)
    except OSError as error:
        raise click.ClickException(f"{output.path}: cannot write it: {error.strerror}") from error


def say(text: str) -> None:
    """Write lines to stdout.

    Raises:
        click.ClickException: They cannot be written.
    """
    _write_stdout(f"{text}\n".encode())


def abandon(stream: TextIO | None) -> None:
    """Drop what stdout or stderr still holds, which Python would else try to write as it ends."""
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
        # With PYTHONUNBUFFERED it writes as much as the system takes, which may be less than all.
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except OSError as error:
        abandon(sys.stdout)
        raise click.ClickException(f"stdout: cannot write it: {error.strerror}") from error
