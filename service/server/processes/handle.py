"""A worker process as its parent sees it: what it was told, what it has said, how long it has been silent."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from service.server.processes.messages import AT_ONCE, BEAT, READY, Message


@dataclasses.dataclass(eq=False)
class Worker:
    """A worker process, and the pipe to it.

    Attributes:
        process: The process, started already.
        line: The pipe: messages go both ways, and the process stops once it is closed.
        began: When it was started (`time.monotonic`).
        furnished: Whether it has been told what to serve.
        ready: Whether it listens.
        leaving: Whether it has been told to stop.
        deaf: Whether it has closed its end of the pipe.
        silent_s: For how long it has not said that its event loop runs.
        fault: Why it was killed, if it was.
        inbox: What it has said beside that, the earliest first.
    """

    process: SpawnProcess
    line: Connection
    began: float
    furnished: bool = False
    ready: bool = False
    leaving: bool = False
    deaf: bool = False
    silent_s: float = 0.0
    fault: str = ""
    inbox: list[Message] = dataclasses.field(default_factory=list)

    @property
    def serving(self) -> bool:
        """Whether it listens, and is to go on."""
        return self.ready and not self.leaving and self.process.is_alive()

    @property
    def starting(self) -> bool:
        """Whether it does not listen yet, and is to."""
        return not self.ready and not self.leaving and self.process.is_alive()

    def kill(self, fault: str) -> None:
        """End the process, which does nothing more by itself.

        Args:
            fault: Why, for the log.
        """
        self.fault = fault
        self.process.kill()

    def stop(self) -> None:
        """Ask the process to stop."""
        self.leaving = True
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Make the process stop at once."""
        self.leaving = True
        self._signal(AT_ONCE)

    def _signal(self, number: int) -> None:
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def tell(self, kind: str, content: Any = None) -> None:
        """Send a message; a process that has ended gets none."""
        with contextlib.suppress(OSError):
            self.line.send((kind, content))

    def listen(self) -> None:
        """Take in what the process has said."""
        try:
            while not self.deaf and self.line.poll():
                self._note(self.line.recv())
        except (EOFError, OSError):
            self.deaf = True

    def _note(self, message: Message) -> None:
        self.silent_s = 0.0
        if message[0] == READY:
            self.ready = True
        elif message[0] != BEAT:
            self.inbox.append(message)

    def has_said(self, kind: str) -> bool:
        """Return whether there is a message of a kind."""
        return any(message[0] == kind for message in self.inbox)

    def take(self, kind: str) -> Any:
        """Return what belongs to the first message of a kind, and forget it; None if there is none."""
        for message in self.inbox:
            if message[0] == kind:
                self.inbox.remove(message)
                return message[1]
        return None


def explain(exitcode: int | None) -> str:
    """Return how a worker ended, in words."""
    if exitcode is None or exitcode >= 0:
        return f"ended with status {exitcode}"
    name = signal.Signals(-exitcode).name
    hint = "; was memory short?" if -exitcode == signal.SIGKILL else ""
    return f"was ended by {name}{hint}"
