"""`cvae`: one line of error, the status, and help."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from service.cli.main import cli
from tests.service.cli.commands import COMMAND, ROOT, Cvae


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["decode", "1,2,3"], "z: expected 2 numbers a vector"),
        (["interpolate", "digit:3", "digit:33"], "to: expected a class of fake"),
        (["decode", "1,2", "--label", "3"], "label: expected none: fake takes no label"),
        (["encode", "text.png"], "expected a PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC file"),
        (["decode", "1,2", "--model", "fake@000000000000"], "which is loaded, received 'fake@000000000000'"),
        (["decode", "1,2", "-o", "nowhere/a.png"], "nowhere/a.png: cannot write it"),
    ],
)
def test_what_fails_says_so_in_one_line(cvae: Cvae, arguments: list[str], line: str) -> None:
    (cvae.folder / "text.png").write_text("no picture")
    assert line in cvae.refuse(1, *arguments)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["decode", "1,x"], "VECTORS[1]: expected a number, received 'x' (cvae decode --help)"),
        (["decode"], "Missing argument 'VECTORS...'"),
        (["decode", "1,2", "--scal", "3"], "No such option '--scal'"),
        (["decode", "1,2", "-x"], "No such option '-x'"),
        (["decode", "1,2", "-o", "a.gif"], "expected a file that ends in .png, .webp, .json, .npy, .zip"),
        (["decode", "1,2", "-o", "a"], "received 'a'"),
        (["decode", "none.npy"], "none.npy: cannot read it"),
        (["decode", "broken.json"], "broken.json: expected an .npy file, or JSON"),
        (["decode", "1,2", "--colormap", "jet"], "'jet' is not one of"),
        (["interpolate", "none.png", "digit:3"], "or a picture's file; received 'none.png'"),
        (["encode", "none.png"], "'none.png' does not exist"),
        (["nothing"], "No such command 'nothing'"),
        (
            ["models", "--url", "ftp://a"],
            "--url: expected one such as http://localhost:8000, received 'ftp://a'",
        ),
        (["models", "--url", ""], "--url: expected one such as http://localhost:8000, received ''"),
        (["models", "--url", "http://a", "--bundle", "b"], "expected one of --url and --bundle"),
    ],
)
def test_what_is_asked_wrongly_says_so_in_one_line(local: Cvae, arguments: list[str], line: str) -> None:
    (local.folder / "broken.json").write_text('{"y": 1}')
    assert line in local.refuse(2, *arguments)


@pytest.mark.parametrize("command", [[], *([name] for name in cli.commands)])
def test_help_explains_with_examples(command: list[str]) -> None:
    result = CliRunner().invoke(cli, [*command, "--help"])
    assert result.exit_code == 0
    assert f"cvae {' '.join(command)}" in result.stdout.partition("Examples:")[2]


@pytest.mark.slow(alone=False)
def test_it_runs_as_a_module_and_ends_with_its_status(models: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def run(*arguments: str) -> Any:
        environment = {**os.environ, "CVAE_MODELS_DIR": str(models)}
        return subprocess.run(
            [*COMMAND, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    path = tmp_path / "a.png"
    assert run("decode", "-1,2", "-o", str(path)).returncode == 0
    with Image.open(path) as image:
        assert image.size == (28, 28)
    failed = run("decode", "1,2,3")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("cvae: z: expected 2 numbers")
    assert failed.stderr.count("\n") == 1
    assert run().returncode == 2
    assert run("--version").stdout.startswith("cvae, version ")


def test_help_loads_nothing_that_is_slow() -> None:
    code = (
        "import sys\nfrom service.cli.main import cli\n"
        "try: cli.main(['decode', '--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "service.cli.pictures.decode" in loaded
    assert not {"onnxruntime", "fastapi", "pydantic", "httpx", "numpy", "PIL"} & set(loaded)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("cvae la", ["latent-map"]),
        ("cvae decode --colormap ma", ["magma"]),
        ("cvae interpolate --show-as k", ["kitty"]),
    ],
)
def test_the_shell_can_complete(words: str, offered: list[str]) -> None:
    variables = {"_CVAE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(COMMAND, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.stdout.split() == [f"plain,{name}" for name in offered]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_gets_its_script(shell: str) -> None:
    environment = {**os.environ, "_CVAE_COMPLETE": f"{shell}_source"}
    done = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert f"_CVAE_COMPLETE={shell}_complete" in done.stdout, done.stderr


def test_who_interrupts_it_is_told_nothing_and_sees_that_it_failed(
    local: Cvae, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.cli.access.sign.parse_pair", interrupt)
    local.options = []
    result = local.run("sign", "--key", "a:b", "/a")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert (result.stdout, result.stderr.strip()) == ("", "")
