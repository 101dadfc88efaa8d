"""What import-linter's contracts in pyproject.toml do not see."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("half", ["service", "training"])
def test_every_folder_of_modules_is_a_package(half: str) -> None:
    # The wheel leaves out a folder that is none, and the contracts of import-linter do not see it.
    folders = {path.parent for path in (ROOT / half).rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.mark.slow(alone=False)
def test_the_service_runs_without_tensorflow() -> None:
    code = "import sys, service.server.main, service.server.app; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "onnxruntime" in loaded
    assert not {"tensorflow", "keras", "tf2onnx", "onnx", "matplotlib", "training"} & set(loaded)
