"""Write a file completely or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import stat


def save(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file; if that fails, an existing file stays as it was.

    The content goes to a temporary file in the same folder, which then replaces the target. A pipe or a
    device is written to directly; a symbolic link stays, and the file that it points to is replaced.

    Args:
        path: The file.
        content: Its bytes.

    Raises:
        OSError: The file cannot be written.
    """
    target = pathlib.Path(os.path.realpath(path))
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        target.write_bytes(content)
        return
    temporary = target.parent / f".cvae-{secrets.token_hex(8)}"
    try:
        temporary.write_bytes(content)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
