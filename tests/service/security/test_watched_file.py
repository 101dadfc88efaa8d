"""Files of keys: read at the start, again when they change, and never printed."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import pathlib
import time

import pytest

from service.core.errors import StartupError
from service.security import watched_file
from service.security.watched_file import MAX_FILE_BYTES, Source

NAME = "CVAE_API_KEYS"
TICKS = itertools.count(1)


def parse(entries: list[str]) -> tuple[str, ...]:
    if "wrong" in entries:
        raise ValueError("entry 1 of 1: expected another")
    return tuple(entries)


def watch(path: pathlib.Path) -> Source[tuple[str, ...]]:
    return Source(NAME, "", path, parse)


def write(path: pathlib.Path, text: str) -> None:
    """Write a file, later than the last time."""
    path.write_text(text)
    at = time.time_ns() + next(TICKS) * 1_000_000
    os.utime(path, ns=(at, at))


def test_a_variable_is_split_at_commas_and_spaces() -> None:
    assert Source(NAME, " a,b  c,\n", None, parse).value == ("a", "b", "c")


def test_a_file_has_one_a_line_and_comments(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# of the web\na\n\n  # b\r\nc\n")
    assert watch(path).value == ("a", "c")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot read .*: No such file"),
        (b"", "expected at least one entry, received none"),
        (b"# nothing\n", "expected at least one entry, received none"),
        (b"wrong\n", "entry 1 of 1: expected another"),
        (b"\xff\xfe", "cannot read .*: it is no text in UTF-8"),
        (b"a" * (MAX_FILE_BYTES + 1), f"expected at most {MAX_FILE_BYTES} bytes in .*, received more"),
    ],
)
def test_a_faulty_file_ends_the_start_in_one_line(
    tmp_path: pathlib.Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartupError, match=f"^{NAME}_FILE: {reason}[^\n]*$"):
        watch(path)


def test_a_folder_and_a_pipe_are_no_files(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(StartupError, match="expected a file"):
            watch(path)


def test_variable_and_file_together_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(StartupError, match=f"^{NAME}, {NAME}_FILE: expected one of the two, received both$"):
        Source(NAME, "a", tmp_path / "keys", parse)


def test_a_changed_file_is_read_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "keys"
    write(path, "a")
    secrets = watch(path)
    write(path, "b")
    secrets.refresh()
    assert secrets.value == ("b",)
    new = tmp_path / "new"  # as Kubernetes and editors do
    write(new, "c")
    new.replace(path)
    secrets.refresh()
    assert secrets.value == ("c",)


def test_an_unchanged_file_is_not_read_again(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    write(path, "a")
    secrets = watch(path)
    monkeypatch.setattr(Source, "_read_file", None)
    secrets.refresh()


@pytest.mark.parametrize("text", [None, "", "wrong"])
def test_what_a_faulty_file_said_before_stays_and_the_log_says_so_once(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    path = tmp_path / "keys"
    write(path, "a")
    secrets = watch(path)
    path.unlink()
    if text is not None:
        write(path, text)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            secrets.refresh()
    assert secrets.value == ("a",)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{NAME}_FILE: ")
    assert record.getMessage().endswith("; what it said before stays")
    write(path, "b")
    secrets.refresh()
    assert secrets.value == ("b",)


def test_it_is_looked_at_beside_the_event_loop(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    write(path, "a")
    secrets = watch(path)
    monkeypatch.setattr(watched_file, "LOOK_S", 0.001)

    async def scene() -> None:
        task = asyncio.create_task(secrets.keep_fresh())
        write(path, "b")
        while secrets.value != ("b",):
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_a_variable_needs_no_looking() -> None:
    asyncio.run(asyncio.wait_for(Source(NAME, "a", None, parse).keep_fresh(), 10))
