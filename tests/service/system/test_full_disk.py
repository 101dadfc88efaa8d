"""A disk that is really full: bundles are not copied, logs not written, and all requests are answered."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import pathlib
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.reliability.serving import serve
from tests.service.fake import change, write_bundle

pytestmark = pytest.mark.slow

URL = "/decode.png?z=1,-1"
ASKERS = 4


class Disk:
    """A small disk of its own, in memory."""

    def __init__(self, place: pathlib.Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self) -> None:
        """Leave no room."""
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink()

    def copy_half(self, source: pathlib.Path, target: pathlib.Path) -> None:
        """Copy a file onto the disk, which gets full meanwhile."""
        content = source.read_bytes()
        with target.open("wb", buffering=0) as file:
            rest = content[file.write(content[: len(content) // 2]) :]
            self.fill()
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                _write_all(file, rest)


def _write_all(file: io.RawIOBase, content: bytes) -> None:
    while content:
        content = content[file.write(content) :]


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[Disk]:
    """As only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
    yield Disk(place)
    subprocess.run(["umount", "--lazy", place], check=True)


class Answer(NamedTuple):
    """What a request got."""

    status: int
    content: bytes
    model: str


@contextlib.contextmanager
def ask_meanwhile(port: int) -> Iterator[list[list[Answer]]]:
    """Ask for a picture all the time; give what each of those who ask got, in its order."""
    stopping, found = threading.Event(), [list[Answer]() for _ in range(ASKERS)]

    def ask(answers: list[Answer]) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while not stopping.wait(0.005):
                answer = client.get(URL)
                answers.append(Answer(answer.status_code, answer.content, answer.headers["cvae-model"]))

    threads = [threading.Thread(target=ask, args=(answers,)) for answers in found]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bundle_that_has_no_room_is_refused_and_the_old_one_answers_all(
    tmp_path: pathlib.Path, disk: Disk, workers: int
) -> None:
    folder = write_bundle(disk.place / "fake")
    whole = shutil.copytree(folder, tmp_path / "whole" / "fake")
    new = change(whole)
    settings = {"CVAE_MODELS_DIR": str(disk.place), "CVAE_ADMIN": "on"}
    with serve(tmp_path, workers, settings) as service:
        url = f"http://127.0.0.1:{service.port}/admin/reload"
        with ask_meanwhile(service.port) as found:
            disk.copy_half(whole / "golden.npz", folder / "golden.npz")
            for _ in range(3):
                refused = httpx.post(url, timeout=60)
                assert refused.status_code == 409
                assert "golden.npz: sha256: expected" in refused.json()["models"][0]["reason"]
            before = {answer.model for answers in found for answer in list(answers)}
            disk.free()
            shutil.copytree(whole, folder, dirs_exist_ok=True)
            (model,) = httpx.post(url, timeout=60).json()["models"]
            counts = [len(answers) for answers in found]
            while any(len(answers) < count + 2 for answers, count in zip(found, counts, strict=True)):
                pass
    assert (model["status"], model["version"]) == ("loaded", new)
    assert before == {f"fake@{model['previous_version']}"}
    for answers in found:
        assert {answer.status for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert answers[-1].model == f"fake@{new}"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_log_that_has_no_room_fails_no_request(tmp_path: pathlib.Path, disk: Disk, workers: int) -> None:
    write_bundle(tmp_path / "models" / "fake")
    settings = {
        "CVAE_MODELS_DIR": str(tmp_path / "models"),
        "CVAE_ACCESS_LOG": "on",
        "TMPDIR": str(disk.place),
    }
    with serve(disk.place, workers, settings) as service:
        disk.fill()
        size = service.log.stat().st_size
        with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as client:
            for _ in range(300):
                assert client.get(URL).status_code == 200
                assert client.get("/nothing").status_code == 404
            assert client.get("/metrics").status_code == 200
            assert service.log.stat().st_size < size + 8192
            disk.free()
            assert client.get("/decode.png?z=0,0&model=fake").status_code == 200
        service.signal(signal.SIGTERM)
        service.process.wait(120)
        assert "/decode.{extension}" in service.log.read_text(errors="replace")[size:]
