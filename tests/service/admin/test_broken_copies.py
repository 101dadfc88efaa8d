"""What a full disk, a bad one or a copy that goes on leaves of a bundle is refused; the old one serves on."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.service.fake import change

Break = Callable[[pathlib.Path, pytest.MonkeyPatch], None]


def cut(name: str, count: int) -> Break:
    """A file of which the disk has taken only so many bytes: the others had no room."""
    return lambda folder, _: os.truncate(folder / name, count)


def fail(name: str, number: int) -> Break:
    """A file whose bytes cannot be read, though its name is there."""

    def break_it(_: pathlib.Path, patch: pytest.MonkeyPatch) -> None:
        read = pathlib.Path.read_bytes

        def read_bytes(path: pathlib.Path) -> bytes:
            if path.name == name:
                raise OSError(number, os.strerror(number), str(path))
            return read(path)

        patch.setattr(pathlib.Path, "read_bytes", read_bytes)

    return break_it


def vanish(name: str) -> Break:
    """A file that is taken away after it has been looked at, and before it is read."""

    def break_it(_: pathlib.Path, patch: pytest.MonkeyPatch) -> None:
        read = pathlib.Path.read_bytes

        def read_bytes(path: pathlib.Path) -> bytes:
            if path.name == name:
                path.unlink()
            return read(path)

        patch.setattr(pathlib.Path, "read_bytes", read_bytes)

    return break_it


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (cut("encoder.onnx", 100), "encoder.onnx: sha256: expected .*, found"),
        (cut("decoder.onnx", 0), "decoder.onnx: sha256: expected .*, found"),
        (cut("golden.npz", 4096), "golden.npz: sha256: expected .*, found"),
        (cut("atlas.npz", 64), "atlas.npz: sha256: expected .*, found"),
        (cut("model.json", 200), "model.json: expected JSON: "),
        (cut("model.json", 0), "model.json: expected JSON: "),
        (fail("decoder.onnx", errno.EIO), "decoder.onnx: expected this file, cannot read it: Input/output"),
        (fail("encoder.onnx", errno.EACCES), "encoder.onnx: expected this file, cannot read it: Permission"),
        (fail("encoder.onnx", errno.EMFILE), "encoder.onnx: expected this file, cannot read it: Too many"),
        (fail("model.json", errno.ESTALE), "model.json: expected a manifest, cannot read it: Stale"),
        (fail("atlas.npz", errno.ENOSPC), "atlas.npz: expected this file, cannot read it: No space"),
        (vanish("golden.npz"), "golden.npz: expected this file, cannot read it: No such file"),
        (vanish("model.json"), "model.json: expected a manifest, cannot read it: No such file"),
    ],
)
def test_it_is_refused_with_its_reason_and_taken_once_it_is_whole(
    client: TestClient,
    folder: pathlib.Path,
    tmp_path_factory: pytest.TempPathFactory,
    break_it: Break,
    reason: str,
) -> None:
    url = "/decode.png?z=0,0"
    before = client.get(url)
    new = change(folder)
    whole = shutil.copytree(folder, tmp_path_factory.mktemp("whole") / "fake")
    with pytest.MonkeyPatch.context() as patch:
        break_it(folder, patch)
        answer = client.post("/admin/reload")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    (model,) = answer.json()["models"]
    assert (model["status"], model["name"]) == ("refused", "fake")
    assert re.search(reason, model["reason"]), model["reason"]
    after = client.get(url)
    assert (after.content, after.headers["cvae-model"]) == (before.content, before.headers["cvae-model"])
    assert client.get("/health/ready").status_code == 200

    shutil.copytree(whole, folder, dirs_exist_ok=True)
    (model,) = client.post("/admin/reload").json()["models"]
    assert (model["status"], model["version"]) == ("loaded", new)
    assert client.get(url).headers["cvae-model"] == f"fake@{new}"
    assert json.loads((folder / "model.json").read_text())["version"] == new
