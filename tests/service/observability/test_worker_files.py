from __future__ import annotations

import errno
import os
import pathlib
import re
import subprocess
import sys

import pytest

from service.core.errors import StartupError
from service.observability import worker_files
from service.observability.worker_files import (
    FILE_BYTES,
    SHARED_FOLDER,
    claim_file,
    list_files,
    name_file,
    share_folder,
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_FOLDER, "kept")  # so that it is put back
    monkeypatch.delenv(SHARED_FOLDER)


@pytest.fixture
def tiny(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A disk with room for folders, and for no file."""
    place = tmp_path / "tiny"
    place.mkdir()
    write = pathlib.Path.write_bytes

    def write_elsewhere(path: pathlib.Path, content: bytes) -> int:
        if path.is_relative_to(place):
            write(path, content[:100])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_elsewhere)
    return place


def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_one_process_needs_no_folder() -> None:
    with share_folder(1):
        assert SHARED_FOLDER not in os.environ


def test_each_worker_finds_a_whole_file_and_nothing_is_left() -> None:
    with share_folder(2):
        folder = pathlib.Path(os.environ[SHARED_FOLDER])
        for pid in (1, 2, 1):
            claim_file(folder, pid)
            assert (folder / name_file(pid)).read_bytes() == bytes(FILE_BYTES)
        assert len(list(folder.iterdir())) == 2 + 2
    assert not folder.exists()


def test_a_new_worker_counts_on_where_one_ended() -> None:
    with share_folder(2):
        folder = pathlib.Path(os.environ[SHARED_FOLDER])
        for pid in (os.getpid(), os.getppid(), 1, gone()):
            claim_file(folder, pid)
        (folder / name_file(pid)).write_bytes(b"counted")
        claim_file(folder, new := 2**22 + 1)
        assert (folder / name_file(new)).read_bytes() == b"counted"
        claim_file(folder, new + 1)
        assert {path.name for path in folder.iterdir()} >= {name_file(new + 1), name_file(os.getpid())}


@pytest.mark.parametrize("name", [SHARED_FOLDER, SHARED_FOLDER.lower()])
def test_a_folder_that_is_named_is_made_and_emptied(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "new" / "metrics"
    monkeypatch.setenv(name, str(folder))
    with share_folder(1):
        (folder / name_file(7)).write_bytes(b"old")
        (folder / "mine").write_text("kept")
    with share_folder(1):
        assert os.environ[SHARED_FOLDER] == str(folder)
        assert {path.name for path in folder.iterdir()} == {"reserved-0", "mine"}


def test_a_folder_that_is_no_folder_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path / "file"))
    with (
        pytest.raises(StartupError, match=rf"^{SHARED_FOLDER}: expected a folder .*file': File exists"),
        share_folder(1),
    ):
        pass


def test_an_empty_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_FOLDER, "")
    with share_folder(1):
        assert pathlib.Path(os.environ[SHARED_FOLDER]).is_dir()


def test_a_named_folder_without_room_is_refused(tiny: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_FOLDER, str(tiny / "metrics"))
    with pytest.raises(StartupError, match="No space left on device"), share_folder(1):
        pass


def test_a_full_temporary_folder_is_gone_around(tiny: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tiny))
    with share_folder(2):
        folder = pathlib.Path(os.environ[SHARED_FOLDER])
        assert folder.parent == worker_files.SPARE_FOLDER
        assert len(list(folder.iterdir())) == 2 + 2
    assert list(tiny.iterdir()) == []
    assert not folder.exists()


def test_without_any_room_the_start_is_refused(tiny: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tiny))
    monkeypatch.setattr(worker_files, "SPARE_FOLDER", tiny)
    place = rf"{re.escape(str(tiny))}\S*: No space left on device"
    said = rf"^CVAE_WORKERS: expected \d+ bytes .* found no room: {place}; {place}$"
    with pytest.raises(StartupError, match=said), share_folder(2):
        pass
    assert list(tiny.iterdir()) == []


def test_a_worker_without_room_says_so(tiny: pathlib.Path) -> None:
    with pytest.raises(StartupError, match="expected room for a file to count in"):
        claim_file(tiny, 1)
    assert list(tiny.iterdir()) == []


def test_files_of_other_processes_are_listed_with_whether_they_run() -> None:
    with share_folder(3):
        folder, left = pathlib.Path(os.environ[SHARED_FOLDER]), gone()
        for pid in (os.getpid(), os.getppid(), left):
            claim_file(folder, pid)
        found = {path.name: runs for path, runs in list_files(folder, os.getpid())}
        assert found == {name_file(os.getppid()): True, name_file(left): False}
