"""The arrows of the architecture: a module imports only what its row names, and the halves never meet."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent

SERVICE = {
    "errors": "",
    "manifest": "",
    "numbers": "errors",
    "settings": "cores memory values variables errors",
    "memory": "cgroups cores errors",
    "values": "",
    "variables": "errors",
    "cgroups": "",
    "cores": "cgroups",
    "bundle": "manifest errors",
    "model": "bundle manifest settings errors",
    "latent": "",
    "images": "containers errors",
    "containers": "chunks segments errors",
    "chunks": "bounds errors",
    "segments": "bounds errors",
    "bounds": "errors",
    "offload": "calls errors",
    "atlas": "",
    "batching": "calls jobs errors",
    "caching": "model",
    "losses": "",
    "maps": "",
    "points": "space errors",
    "queries": "points schemas rendering colormaps sequences",
    "replies": "",
    "representations": "apng archive engine images manifest negotiation npy png rendering schemas "
    "sequences errors writing",
    "calls": "errors",
    "jobs": "calls errors",
    "space": "latent manifest errors",
    "uploads": "calls images manifest offload errors",
    "png": "",
    "archive": "",
    "apng": "png",
    "colormaps": "",
    "rendering": "colormaps errors",
    "sequences": "errors",
    "npy": "errors",
    "engine": "atlas batching calls jobs space uploads model latent offload settings errors",
    "registry": "calls engine model bundle offload settings errors",
    "schemas": "numbers space",
    "messages": "numbers",
    "tensors": "messages numbers errors",
    "outputs": "messages tensors errors writing",
    "compression": "errors",
    "graphs": "calls engine images outputs png registry space tensors errors",
    "negotiation": "errors",
    "metrics": "counts",
    "counts": "errors",
    "routes": "routes caching calls compression chunks segments graphs messages outputs tensors engine "
    "space registry schemas queries replies representations points losses maps npy png "
    "sequences negotiation latent manifest telemetry errors budgets parsing writing",
    "layers": "caching routes budgets errors refusals",
    "refusals": "metrics routes schemas errors",
    "lane": "caching calls orders space metrics routes engine registry images negotiation png telemetry "
    "errors",
    "orders": "caching calls space engine registry representations routes schemas negotiation errors",
    "limits": "settings",
    "endings": "",
    "rejections": "routes schemas telemetry",
    "heads": "limits rejections",
    "connection": "endings heads limits rejections",
    "protocol": "connection lane orders proxies rejections space metrics errors",
    "proxies": "",
    "drain": "heads endings",
    "worker": "app drain registry settings telemetry errors",
    "workers": "settings worker errors",
    "telemetry": "settings",
    "app": "calls cores drain heads lane layers limits metrics protocol refusals registry routes "
    "settings telemetry tensors",
    "reference": "app settings",
    "__main__": "counts memory settings telemetry worker workers errors",
    "client": "client",
    "commands": "commands client app bundle cores memory model npy points registry settings errors __main__",
    "cli": "commands",
    "budgets": "errors",
    "parsing": "errors",
    "writing": "",
}
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
    found = [p for package in ("service", "training") for p in (ROOT / package).rglob("*.py")]
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
    table = {"service": SERVICE, "training": TRAINING}[package]
    other = {"service": "training", "training": "service"}[package]
    names = imported(path)
    assert not {n for n in names if n.split(".")[0] == other}
    ours = {n.split(".")[1] for n in names if n.split(".")[0] == package} - {"__version__"}
    if rest == ["__init__"]:
        assert not ours
    else:
        assert ours <= {*table[rest[0]].split(), ""}, f"{path} imports {ours}"


def test_every_module_has_a_row() -> None:
    rows = {f"service/{n}" for n in SERVICE} | {f"training/{n}" for n in TRAINING}
    found = {"/".join(p.relative_to(ROOT).with_suffix("").parts[:2]) for p in modules()}
    assert found - {"service/__init__", "training/__init__"} == rows


def test_the_service_runs_without_tensorflow() -> None:
    code = "import sys, service.__main__, service.app; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "onnxruntime" in loaded
    assert not {"tensorflow", "keras", "tf2onnx", "onnx", "matplotlib", "training"} & set(loaded)
