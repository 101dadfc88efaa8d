"""Write the log in a thread, so that a slow reader of it never holds the event loop.

Invariants: at most `capacity` lines wait; lines beyond are lost, counted, and the count is logged as soon as
there is room. What waits at the end is written, unless nobody reads for `CLOSE_S`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import queue
import sys
import threading
from typing import TextIO

# Some seconds of a line for each request.
CAPACITY = 20_000
# How many lines are written at once.
PIECE = 64
CLOSE_S = 2.0


class LogWriter(logging.Handler):
    """A handler that hands records to a thread, which formats and writes them.

    Attributes:
        lost: How many lines were lost since this was last logged.
    """

    def __init__(self, stream: TextIO | None = None, capacity: int = CAPACITY) -> None:
        """Start the thread.

        Args:
            stream: Where to write; None: standard error.
            capacity: How many lines may wait.
        """
        super().__init__()
        self._stream = sys.stderr if stream is None else stream
        self._capacity = capacity
        self._records: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._closed = False
        self.lost = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record to the thread, or count it as lost."""
        if self._closed or self._records.qsize() >= self._capacity:
            self.lost += 1
            return
        if record.args or record.exc_info:
            self._settle(record)
        self._records.put(record)

    def _settle(self, record: logging.LogRecord) -> None:
        """Write what may change, and what holds memory, into the record as texts."""
        record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            record.exc_text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_info = None

    def close(self) -> None:
        """Write what waits, and end the thread."""
        if not self._closed:
            self._closed = True
            self._records.put(None)
            self._thread.join(CLOSE_S)
        super().close()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            records = [self._records.get()]
            with contextlib.suppress(queue.Empty):
                while records[-1] is not None and len(records) < PIECE:
                    records.append(self._records.get_nowait())
            goes_on = records[-1] is not None
            lines = [self._format(record) for record in records if record is not None]
            if self.lost and self.formatter is not None:
                lines.append(self._format(self._tell_loss()))
            self._write("".join(f"{line}\n" for line in lines))

    def _format(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception as error:  # one line that cannot be written must not end all others
            return f"a line of {record.name} could not be written: {error!r}"

    def _tell_loss(self) -> logging.LogRecord:
        self.acquire()  # as for each record
        lost, self.lost = self.lost, 0
        self.release()
        text = f"{lost} lines of this log are lost: they came faster than they were read"
        return logging.LogRecord(__name__, logging.WARNING, "", 0, text, None, None)

    def _write(self, text: str) -> None:
        try:
            try:
                # Not by the stream: a thread that waits in it would keep the interpreter from its end.
                place = self._stream.fileno()
            except (AttributeError, io.UnsupportedOperation):
                self._stream.write(text)
                return
            data = text.encode(errors="backslashreplace")
            while data:
                data = data[os.write(place, data) :]
        except (OSError, ValueError):  # nobody reads any more
            self.lost += text.count("\n")
