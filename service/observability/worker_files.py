"""The folder with the files in which workers count, for each other to read.

These files are mapped into memory, and a write to a page that the disk has no room for kills the process.
Invariant: each process counts in a file whose blocks are all allocated before it is mapped.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from service.core.errors import StartupError

# The variable by which prometheus_client, too, is told.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Used if the temporary folder is full; in memory on Linux.
SPARE_FOLDER = pathlib.Path("/dev", "shm")
# A route takes 0.6 KB and each of its statuses 0.2; all routes with all statuses that exist take 150 KB.
# A model takes 13 KB.
FILE_BYTES = 2**20
KIND = "counts"
COUNTED, RESERVED = "*.db", "reserved-*"


def name_file(pid: int) -> str:
    """Return the name of a process's file."""
    return f"{KIND}_{pid}.db"


@contextlib.contextmanager
def share_folder(workers: int) -> Iterator[None]:
    """Prepare the folder to count in, if there are several workers or the environment names one.

    Args:
        workers: How many processes will count.

    Raises:
        StartupError: No folder has room for the files, or the one that is named cannot be used.
    """
    # prometheus_client also reads the variable's old name, in small letters.
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


def claim_file(folder: pathlib.Path, pid: int) -> pathlib.Path:
    """Make sure that a process has its whole file before it counts.

    Args:
        folder: The folder that `share_folder` prepared.
        pid: The id of the process.

    Returns:
        The file.

    Raises:
        StartupError: There is no room for the file.
    """
    own = folder / name_file(pid)
    if own.exists():
        return own
    # The counts of a process that has ended are kept and continued.
    for free in [*folder.glob(RESERVED), *filter(_is_left, folder.glob(COUNTED))]:
        with contextlib.suppress(FileNotFoundError):  # another worker was faster
            free.rename(own)
            return own
    try:
        own.write_bytes(bytes(FILE_BYTES))
    except OSError as error:
        own.unlink(missing_ok=True)
        raise StartupError(f"{folder}: expected room for a file to count in: {error}") from error
    return own


def list_files(folder: pathlib.Path, pid: int) -> list[tuple[pathlib.Path, bool]]:
    """Return the files of all processes but one, each with whether its process still runs."""
    paths = (path for path in sorted(folder.glob(COUNTED)) if path.name != name_file(pid))
    return [(path, not _is_left(path)) for path in paths]


def _prepare(folder: pathlib.Path, workers: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Files of an earlier start, whose counts must not be continued.
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
    for parent in (None, SPARE_FOLDER):
        folder = None
        try:
            folder = tempfile.TemporaryDirectory(prefix="cvae-", dir=parent)
            _reserve(pathlib.Path(folder.name), workers)
        except OSError as error:
            if folder is not None:
                folder.cleanup()
            faults.append(f"{error.filename or parent}: {error.strerror}")
        else:
            return folder
    raise StartupError(
        f"CVAE_WORKERS: expected {workers * FILE_BYTES} bytes to count in, in the folder TMPDIR or in "
        f"{SPARE_FOLDER}, found no room: {'; '.join(faults)}"
    )


def _reserve(folder: pathlib.Path, workers: int) -> None:
    # Two more: a worker may start before the one that it replaces has ended, and their parent counts too.
    for i in range(workers + 2 if workers > 1 else 1):
        (folder / RESERVED.replace("*", str(i))).write_bytes(bytes(FILE_BYTES))


def _is_left(path: pathlib.Path) -> bool:
    """Tell whether the process that counted in a file has ended."""
    try:
        os.kill(int(path.stem.rpartition("_")[2]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        return False
    return False
