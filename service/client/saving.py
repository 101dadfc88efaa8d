"""Owns writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import stat


def save(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file; if that fails, what was there before stays as it was.

    It is written beside its place and then moved there. What is no regular file (a pipe, a device) is written
    to itself; a link keeps pointing to what is replaced.

    Args:
        path: Where it is to be.
        content: All of it.

    Raises:
        OSError: It cannot be written.
    """
    place = pathlib.Path(os.path.realpath(path))
    mode = place.stat().st_mode if place.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        place.write_bytes(content)
        return
    beside = place.parent / f".cvae-{secrets.token_hex(8)}"
    try:
        beside.write_bytes(content)
        if mode is not None:
            beside.chmod(stat.S_IMODE(mode))
        beside.replace(place)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
