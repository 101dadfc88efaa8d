"""Owns the folder in which workers count, for each other to read, and its files.

prometheus_client maps these files into memory, and a write to a page for which the disk has no room ends the
process. Invariant: each process counts in a file that has all its blocks before it is mapped.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from service.core.errors import StartupError

# prometheus_client's variable.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# In memory on Linux, if the temporary folder is full.
SPARE_PLACE = pathlib.Path("/dev", "shm")
# A route's answers of one status take 3.7 KB; all routes with all statuses that there are, 1.8 MB.
FILE_BYTES = 2 * 2**20
# prometheus_client's names, of the one kind of metric that there is here.
KIND = "histogram"
COUNTED, RESERVED = "*.db", "reserved-*"


def name_file(pid: int) -> str:
    """Return the name under which prometheus_client looks for a process's file."""
    return f"{KIND}_{pid}.db"


@contextlib.contextmanager
def share_folder(workers: int) -> Iterator[None]:
    """Give several workers, or whoever named one in the environment, a folder to count in.

    Args:
        workers: How many processes count.

    Raises:
        StartupError: There is no place with room for it, or the one that is named cannot be used.
    """
    # The name in small letters is an old one, which prometheus_client heeds too.
    given = os.environ.get(SHARED_FOLDER, os.environ.get(SHARED_FOLDER.lower()))
    if given:
        _prepare(pathlib.Path(given).expanduser(), workers)
        yield
    elif workers > 1 or given is not None:
        with _make_folder(workers) as name:
            os.environ[SHARED_FOLDER] = name
            yield
    else:
        yield


def claim_file(folder: pathlib.Path, pid: int) -> None:
    """Make sure that a process has its file, whole, before it counts.

    Args:
        folder: That `share_folder` made.
        pid: Of the process.

    Raises:
        StartupError: There is no room for the file.
    """
    own = folder / name_file(pid)
    if own.exists():
        return
    # What a process that is gone has counted is kept, and counted on.
    for free in [*folder.glob(RESERVED), *filter(_is_left, folder.glob(COUNTED))]:
        with contextlib.suppress(FileNotFoundError):  # another worker was faster
            free.rename(own)
            return
    try:
        own.write_bytes(bytes(FILE_BYTES))
    except OSError as error:
        own.unlink(missing_ok=True)
        raise StartupError(f"{folder}: expected room for a file to count in: {error}") from error


def _prepare(folder: pathlib.Path, workers: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Of an earlier start, whose requests are not to be counted again.
        for old in [*folder.glob(COUNTED), *folder.glob(RESERVED)]:
            old.unlink()
        _reserve(folder, workers)
    except OSError as error:
        raise StartupError(
            f"{SHARED_FOLDER}: expected a folder with room for {workers} files of {FILE_BYTES} bytes, "
            f"received {str(folder)!r}: {error.strerror}"
        ) from error
    os.environ[SHARED_FOLDER] = str(folder)


def _make_folder(workers: int) -> tempfile.TemporaryDirectory[str]:
    faults = []
    for place in (None, SPARE_PLACE):
        folder = None
        try:
            folder = tempfile.TemporaryDirectory(prefix="cvae-", dir=place)
            _reserve(pathlib.Path(folder.name), workers)
        except OSError as error:
            if folder is not None:
                folder.cleanup()
            faults.append(f"{error.filename or place}: {error.strerror}")
        else:
            return folder
    raise StartupError(
        f"CVAE_WORKERS: expected {workers * FILE_BYTES} bytes to count in, in the folder TMPDIR or in "
        f"{SPARE_PLACE}, found no room: {'; '.join(faults)}"
    )


def _reserve(folder: pathlib.Path, workers: int) -> None:
    # One more, for the worker that is started before the one that it replaces has ended.
    for i in range(workers + 1 if workers > 1 else 1):
        (folder / RESERVED.replace("*", str(i))).write_bytes(bytes(FILE_BYTES))


def _is_left(path: pathlib.Path) -> bool:
    """Tell whether the process that counted in a file is gone."""
    try:
        os.kill(int(path.stem.rpartition("_")[2]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        return False
    return False
