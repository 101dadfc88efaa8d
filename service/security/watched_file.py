"""What a variable or a file says; a file is read again when it changes, without a pause of the event loop.

What it says is never in a message of this module: it could be a key.
"""

from __future__ import annotations

import asyncio
import logging
import pathlib
import re
import stat
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from service.core.errors import StartupError

logger = logging.getLogger(__name__)

T = TypeVar("T")
# How often a file is looked at.
LOOK_S = 1.0
MAX_FILE_BYTES = 1024 * 1024
SEPARATORS = re.compile(r"[,\s]+")
Parse = Callable[[list[str]], T]
# What files said last without a fault, by the variable's name and the file.
Remembered = Mapping[tuple[str, pathlib.Path], Any]


class Source(Generic[T]):
    """What a variable or a file says, and goes on to say.

    Attributes:
        value: What was read last without a fault.
        watchers: Called with it when it has changed, in the thread that looked.
    """

    def __init__(
        self,
        name: str,
        text: str,
        path: pathlib.Path | None,
        parse: Parse[T],
        remembered: Remembered | None = None,
    ) -> None:
        """Read the variable or the file.

        Args:
            name: The variable's, such as `CVAE_API_KEYS`; that of the file has `_FILE` behind it.
            text: Entries separated by commas or spaces, or "" where there is a file.
            path: A file of entries, a line each; lines that begin with `#` mean nothing.
            parse: Called with the entries; a `ValueError` says what is wrong with one.
            remembered: Taken, and a fault logged, where the file is faulty now.

        Raises:
            StartupError: There are both, the file cannot be read, or what it says is wrong.
        """
        self._name, self._path, self._parse = name, path, parse
        self._state: tuple[int, ...] | None = None
        self._complaint = ""
        self.watchers: list[Callable[[T], None]] = []
        if path is None:
            self.value = self._read_entries(name, text)
            return
        if text:
            raise StartupError(f"{name}, {name}_FILE: expected one of the two, received both")
        try:
            self._state = _look(f"{name}_FILE", path)
            self.value = self._read_file(path)
        except StartupError as error:
            if remembered is None or (name, path) not in remembered:
                raise
            self.value = remembered[name, path]
            self._complain(error)

    def remember(self) -> Remembered:
        """Return what the file said last without a fault; nothing of a variable."""
        return {} if self._path is None else {(self._name, self._path): self.value}

    async def keep_fresh(self) -> None:
        """Look at the file again and again, in a thread."""
        while self._path is not None:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file again if it has changed. What is wrong with it is logged, and what it said stays."""
        if self._path is None:
            return
        before, self._state = self._state, None
        try:
            self._state = _look(f"{self._name}_FILE", self._path)
            if self._state == before:
                return
            self.value = self._read_file(self._path)
        except StartupError as error:
            self._complain(error)
        else:
            self._complaint = ""
            for watcher in self.watchers:
                watcher(self.value)
            logger.info("%s_FILE has changed and was read again", self._name)

    def _complain(self, error: StartupError) -> None:
        if self._complaint != str(error):
            logger.error("%s; what it said before stays", error)
        self._complaint = str(error)

    def _read_file(self, path: pathlib.Path) -> T:
        name = f"{self._name}_FILE"
        try:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            text = content.decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise StartupError(f"{name}: cannot read {path}: {reason}") from error
        if len(content) > MAX_FILE_BYTES:
            raise StartupError(f"{name}: expected at most {MAX_FILE_BYTES} bytes in {path}, received more")
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        return self._read_entries(name, "\n".join(lines))

    def _read_entries(self, name: str, text: str) -> T:
        entries = [entry for entry in SEPARATORS.split(text) if entry]
        if not entries:
            raise StartupError(f"{name}: expected at least one entry, received none")
        try:
            return self._parse(entries)
        except ValueError as error:
            raise StartupError(f"{name}: {error}") from error


def _look(name: str, path: pathlib.Path) -> tuple[int, ...]:
    """Return what differs once a file has changed: its time, its size, and which file it is."""
    try:
        found = path.stat()
    except OSError as error:
        raise StartupError(f"{name}: cannot read {path}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):  # a pipe would never end
        raise StartupError(f"{name}: expected a file, {path} is none")
    return found.st_mtime_ns, found.st_size, found.st_ino
