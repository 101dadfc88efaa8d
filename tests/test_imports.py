"""The arrows of the architecture: a module imports only what its row names."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent

TRAINING = {
    "config": "",
    "recipes": "config",
    "files": "config",
    "pictures": "files",
    "data": "files pictures",
    "losses": "",
    "layers": "",
    "refinement": "",
    "precision": "",
    "distribution": "config",
    "model": "config distribution layers losses refinement",
    "optimizer": "config",
    "checkpoint": "config model",
    "manifest": "config data",
    "train": "checkpoint config data distribution model optimizer",
    "likelihood": "data",
    "classes": "evaluate likelihood",
    "classifier": "config data",
    "decoder": "export likelihood",
    "compare": "decoder manifest",
    "page": "",
    "report": "data decoder evaluate export judge likelihood manifest page plots",
    "judge": "card classifier data decoder likelihood manifest",
    "evaluate": "data likelihood",
    "plots": "",
    "projector": "config",
    "placement": "data",
    "card": "",
    "export": "config model precision",
    "encoder": "data export manifest train",
    "bundle": "checkpoint classes data decoder manifest train evaluate export plots placement card",
    "reproduce": "bundle config data manifest recipes train",
    "sweep": "checkpoint config data train",
    "options": "config recipes",
    "__main__": "config options data sweep train distribution evaluate export encoder bundle projector "
    "reproduce classifier judge compare report",
}


def modules() -> list[pathlib.Path]:
    found = [p for package in ("training",) for p in (ROOT / package).rglob("*.py")]
    return sorted(
        p for p in found if p.parent.name in ("service", "training", "routes", "client", "commands")
    )


def imported(path: pathlib.Path) -> set[str]:
    """Every absolute module a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_its_row_names(path: pathlib.Path) -> None:
    package, *rest = path.relative_to(ROOT).with_suffix("").parts
    table = {"training": TRAINING}[package]
    ours = {n.split(".")[1] for n in imported(path) if n.split(".")[0] == package} - {"__version__"}
    if rest == ["__init__"]:
        assert not ours
    else:
        assert ours <= {*table[rest[0]].split(), ""}, f"{path} imports {ours}"


def test_every_module_has_a_row() -> None:
    rows = {f"training/{n}" for n in TRAINING}
    found = {"/".join(p.relative_to(ROOT).with_suffix("").parts[:2]) for p in modules()}
    assert found - {"training/__init__"} == rows


@pytest.mark.parametrize("half", ["service", "training"])
def test_every_folder_of_modules_is_a_package(half: str) -> None:
    # The wheel leaves out a folder that is none, and the contracts of import-linter do not see it.
    folders = {path.parent for path in (ROOT / half).rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]


def test_the_service_runs_without_tensorflow() -> None:
    code = "import sys, service.server.main, service.server.app; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "onnxruntime" in loaded
    assert not {"tensorflow", "keras", "tf2onnx", "onnx", "matplotlib", "training"} & set(loaded)
