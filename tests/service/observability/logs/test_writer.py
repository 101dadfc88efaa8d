from __future__ import annotations

import io
import logging
import os
import pathlib
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from service.observability.logs.formats import make_formatter
from service.observability.logs.writer import LogWriter

DEADLINE_S = 10


class Held(io.StringIO):
    """A stream whose reader takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.released = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.released.wait(DEADLINE_S)
        return super().write(text)


def make(stream: Any, capacity: int = 100) -> tuple[LogWriter, logging.Logger]:
    writer = LogWriter(stream, capacity)
    writer.setFormatter(make_formatter("text"))
    logger = logging.Logger("test")
    logger.addHandler(writer)
    return writer, logger


def test_all_lines_are_written_in_their_order() -> None:
    stream = io.StringIO()
    writer, logger = make(stream, 1000)
    for i in range(300):
        logger.info("line %d", i)
    writer.close()
    lines = stream.getvalue().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [f"line {i}" for i in range(300)]


def test_a_reader_that_takes_nothing_holds_nobody_and_what_is_lost_is_counted() -> None:
    stream = Held()
    writer, logger = make(stream, 5)
    logger.info("first")
    assert stream.entered.wait(DEADLINE_S)
    began = time.thread_time()
    for _ in range(12):
        logger.info("more")
    assert time.thread_time() - began < 1
    assert writer.lost == 7
    stream.released.set()
    writer.close()
    text = stream.getvalue()
    assert text.count(": more") == 5
    assert "7 lines of this log are lost" in text
    assert writer.lost == 0


def test_what_changes_later_is_logged_as_it_was() -> None:
    stream = Held()
    writer, logger = make(stream)
    logger.info("first")
    assert stream.entered.wait(DEADLINE_S)
    values = [1]
    logger.info("values %s", values)
    values.append(2)
    stream.released.set()
    writer.close()
    assert "values [1]\n" in stream.getvalue()


def test_a_traceback_is_written_and_its_frames_are_let_go() -> None:
    stream = io.StringIO()
    writer, logger = make(stream)
    kept: list[logging.LogRecord] = []
    logger.addFilter(lambda record: kept.append(record) or True)  # type: ignore[func-returns-value]
    try:
        raise ZeroDivisionError("a fault of ours")
    except ZeroDivisionError:
        logger.exception("it failed")
    writer.close()
    assert "Traceback" in stream.getvalue()
    assert "ZeroDivisionError: a fault of ours" in stream.getvalue()
    assert kept[0].exc_info is None


def test_one_line_that_cannot_be_written_ends_no_other() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError("no text")

    stream = io.StringIO()
    writer, logger = make(stream)
    logger.info(Broken())
    logger.info("after it")
    writer.close()
    assert "could not be written" in stream.getvalue()
    assert "after it" in stream.getvalue()


def test_where_nobody_reads_any_more_lines_are_lost_and_nothing_fails() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        os.close(reading)
        writer, logger = make(stream)
        logger.info("for nobody")
        writer.close()
    assert writer.lost == 1


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_process_ends_though_nobody_reads_its_log(log_format: str) -> None:
    """The pipe is full: what waits in it must not keep the process, nor end it by an abort."""
    program = """
import logging.config, sys
from service.core.settings import Settings
from service.observability.logging import logging_config
logging.config.dictConfig(logging_config(Settings(log_format=sys.argv[1])))
for _ in range(5000):
    logging.getLogger("service").info("x" * 100)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, log_format], stderr=subprocess.PIPE, cwd=pathlib.Path.cwd()
    )
    assert process.wait(60) == 0
    assert process.stderr is not None
    process.stderr.close()
