"""Decode a picture in a process of its own, whose memory and time are bounded.

For formats whose heads say little of what decoding takes: a lossless WebP of 2 MB can ask for 4 GB. Whatever
happens in that process, this one only reads its answer. Its start takes 45 ms of processor time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from PIL import Image

from service.core.errors import QueueFullError, Text, TooLargeError
from service.core.memory import MIB, read_limit
from service.imaging.reading import child
from service.imaging.reading.limits import damaged
from service.imaging.reading.picture_file import PictureFile

# Address space: of 48 megapixels, AVIF takes 500 MB and HEIC 430; the programs and libraries 60.
MAX_MEMORY_BYTES, MIN_MEMORY_BYTES = 768 * MIB, 192 * MIB
# Of processor time: of 48 megapixels, HEIC takes 1.6.
MAX_CPU_S = 3
# The clock is looked at so often.
LOOK_S = 0.05
# Of the file and the pixels that are passed on at once.
PIECE_BYTES = 65_536
# How the system ends a process that has used its processor time, and one for whose memory there is no room.
KILLED = (-24, -9)
# Larger pictures, which take more than 250 MB, are decoded one at a time.
LARGE_PIXELS = 16_000_000


class ProcessDecoder:
    """Decodes pictures in processes, of large ones one at a time."""

    def __init__(self) -> None:
        self._large = threading.Lock()

    def decode(self, file: PictureFile, field: str, check: Callable[[], None]) -> Image.Image:
        """Decode a picture, reduced to the size that is worked on; see `child.decode`.

        Args:
            file: The file.
            field: The name of the field, for errors.
            check: Called again and again; it ends the work by raising.

        Raises:
            MalformedBodyError: Not a whole file of its format.
            TooLargeError: It takes more memory or time than it may.
            QueueFullError: The system has no room for another process.
        """
        with self._take_turn(file, check):
            status, answer = _run(file, check)
        if status in (child.NO_ROOM, *KILLED):
            limits = f"{_limit_memory() // MIB} MiB of memory and {MAX_CPU_S} s of processor time"
            raise TooLargeError(field, f"a file that is decoded in {limits}", Text("one that takes more"))
        if status:
            raise damaged(field, answer.decode("utf-8", "replace") or "its decoder stopped")
        return child.unpack(answer)

    @contextlib.contextmanager
    def _take_turn(self, file: PictureFile, check: Callable[[], None]) -> Iterator[None]:
        if file.width * file.height <= LARGE_PIXELS:
            yield
            return
        while not self._large.acquire(timeout=LOOK_S):
            check()
        try:
            yield
        finally:
            self._large.release()


@functools.cache
def _limit_memory() -> int:
    """Return the bytes that a process may have: at most half of what a container allows."""
    limit = read_limit()
    return MAX_MEMORY_BYTES if limit is None else max(MIN_MEMORY_BYTES, min(MAX_MEMORY_BYTES, limit // 2))


def _run(file: PictureFile, check: Callable[[], None]) -> tuple[int, bytes]:
    limits = (str(_limit_memory()), str(MAX_CPU_S))
    command = [sys.executable, "-I", str(pathlib.Path(child.__file__)), file.format, *limits]
    try:
        process = subprocess.Popen(  # noqa: S603
            command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        raise QueueFullError(1) from None
    with process:
        try:
            answer = _talk(process, file.content, check)
        except BaseException:
            process.kill()
            raise
    return process.returncode, answer


def _talk(process: subprocess.Popen[bytes], content: bytes, check: Callable[[], None]) -> bytes:
    """Send the content and return the answer. `communicate` cannot go on with sending after a time-out."""
    to_send, parts = memoryview(content), []
    stdin, stdout = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
    os.set_blocking(stdin.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(stdin, selectors.EVENT_WRITE)
        selector.register(stdout, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(LOOK_S):
                if key.fileobj is stdout:
                    part = os.read(key.fd, PIECE_BYTES)
                    parts.append(part)
                    done = not part
                else:
                    to_send = _send(key.fd, to_send)
                    done = not to_send
                if done:
                    selector.unregister(key.fileobj)
                    cast(BinaryIO, key.fileobj).close()
            check()
    return b"".join(parts)


def _send(pipe: int, content: memoryview) -> memoryview:
    try:
        return content[os.write(pipe, content[:PIECE_BYTES]) :]
    except BrokenPipeError:  # the process has ended, and its status says why
        return content[:0]
