"""Files are written whole, or not at all."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest

from service.client.saving import save


def test_a_file_is_written_anew_and_over_another(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a"
    for content in (b"first", b"second", b""):
        save(path, content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208


def test_its_mode_is_the_usual_or_that_of_the_one_before(tmp_path: pathlib.Path) -> None:
    usual, kept = tmp_path / "usual", tmp_path / "kept"
    umask = os.umask(0o027)
    try:
        save(usual, b"")
        kept.write_bytes(b"")
        kept.chmod(0o604)
        save(kept, b"")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(usual.stat().st_mode) == 0o640
    assert stat.S_IMODE(kept.stat().st_mode) == 0o604


def test_a_link_stays_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to("target")
    for content in (b"first", b"second"):
        save(tmp_path / "link", content)
        assert (tmp_path / "target").read_bytes() == content
    assert (tmp_path / "link").is_symlink()


def test_what_fails_leaves_all_as_it_was(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_half(path: pathlib.Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    path = tmp_path / "a"
    path.write_bytes(b"before")
    monkeypatch.setattr(pathlib.Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        save(path, b"after")
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208


def test_a_folder_that_is_not_there_is_said(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "nowhere" / "a", b"")
    with pytest.raises(IsADirectoryError):
        save(tmp_path, b"")
