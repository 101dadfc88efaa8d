"""The README and its pages as a newcomer follows them: commands and programs are run, links checked."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import zipfile

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from service.cli.main import cli
from service.core.settings import Settings

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
# Whose commands and programs are run, in this order, in one folder.
PAGES = ("README.md", *(f"docs/{name}.md" for name in ("api", "python", "command-line", "open-inference")))
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
TEXTS = [(ROOT / page).read_text() for page in PAGES]
ALL = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *(ROOT / "docs").glob("*.md"),
]
# Of one picture, of two and four beside each other, four times as large, with padding; of a grid and a map.
SIDES = {28, 56, 112, 120, 224, 512, 560}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("newcomer")


def examples() -> list[tuple[str, str]]:
    """Each command, and the text that is said to come back."""
    pattern = re.compile(r"```sh\n(.*?)```\n(?:\n```\n(.*?)```)?", re.DOTALL)
    return [example for text in TEXTS for example in pattern.findall(text)]


def programs() -> list[tuple[str, str]]:
    """Each Python program, and what it is said to print."""
    pattern = re.compile(r"```python\n(.*?)```\n\n```\n(.*?)```", re.DOTALL)
    return [program for text in TEXTS[:-1] for program in pattern.findall(text)]


def test_there_is_a_curl_for_every_path(address: str) -> None:
    text = "\n".join(command for command, _ in examples())
    for path in httpx.get(f"http://{address}/openapi.json").json()["paths"]:
        pattern = re.escape(path).replace(r"\{digit\}", r"\d").replace(r"\{name\}", "mnist-2d")
        pattern = pattern.replace(r"\{extension\}", "[a-z]+")
        pattern = pattern.replace(r"\{model\}", r"mnist-2d\.(?:en|de)coder")
        assert re.search(rf"localhost:8000{pattern}(?=['? \n])", text), path


@pytest.mark.parametrize(("command", "promised"), examples())
def test_what_is_promised_comes_back(address: str, folder: pathlib.Path, command: str, promised: str) -> None:
    assert command.startswith("cvae ") or "localhost:8000" in command
    answer = run(command, address, folder)
    name = re.search(r"-o (\S+)\.(png|webp|gif|apng|npy|zip|onnx)", command)
    if name is None:
        assert promised, "no word of what comes back"
        pattern = re.escape(promised.strip()).replace("…", ".*")
        assert re.match(pattern, answer, re.DOTALL), f"{promised}\n{answer}"
        return
    path = folder / f"{name[1]}.{name[2]}"
    if name[2] == "npy":
        assert np.load(path, allow_pickle=False).shape == (4, 28, 28)
    elif name[2] == "onnx":
        assert path.read_bytes() == (ROOT / "models" / "mnist-2d" / "decoder.onnx").read_bytes()
    elif name[2] == "zip":
        assert len(zipfile.ZipFile(path).namelist()) == 16
    else:
        look_at(path)


def look_at(path: pathlib.Path) -> None:
    with Image.open(path) as image:
        image.load()
        assert image.format == path.suffix[1:].upper().removeprefix("A")
        assert set(image.size) & SIDES
        assert len(image.convert("L").getcolors() or ()) > 9, "nothing in it"


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", TEXTS[-1], re.DOTALL))
def test_the_programs_of_other_clients_run(address: str, folder: pathlib.Path, program: str) -> None:
    assert "localhost:8000" in program
    command = [sys.executable, "-c", program.replace("localhost:8000", address)]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    with Image.open(folder / "digit.png") as image:
        assert image.size == (28, 28)


@pytest.mark.parametrize(("program", "promised"), programs())
def test_the_programs_print_what_is_said(
    address: str, folder: pathlib.Path, program: str, promised: str
) -> None:
    text = program.replace("localhost:8000", address)
    command = [sys.executable, "-W", "error", "-c", text]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pattern = re.escape(promised.replace("localhost:8000", address)).replace("…", ".*")
    assert re.fullmatch(pattern, done.stdout), done.stdout


def test_every_program_says_what_it_prints() -> None:
    assert sum(text.count("```python") for text in TEXTS[:-1]) == len(programs()) > 0


def run(command: str, address: str, folder: pathlib.Path) -> str:
    """Runs a command in a newcomer's folder, in which `models/` is the repository's."""
    models = folder / "models"
    if not models.exists():
        models.symlink_to(ROOT / "models")
    text = command.replace("localhost:8000", address)
    if text.startswith("cvae ") and "|" not in text:
        return run_here(shlex.split(text)[1:], folder)
    cvae = f"{shlex.quote(sys.executable)} -m service.cli "
    text = re.sub(r"^cvae |(?<=\| )cvae ", lambda _: cvae, text)
    text = text.replace("curl ", "curl --silent --show-error ", 1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(text, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_here(arguments: list[str], folder: pathlib.Path) -> str:
    """Runs `cvae` in this process, which has imported what it needs."""
    with contextlib.chdir(folder):
        result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_setting_is_listed_with_its_default() -> None:
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, (), "") else f"`{field.default}`"
        assert f"| `CVAE_{name.upper()}` | {default} | {field.description} |" in CONFIGURATION


def test_settings_are_listed_by_concern_as_in_the_code() -> None:
    tables = [re.findall(r"\| `CVAE_([A-Z_]+)` \|", part) for part in CONFIGURATION.split("\n## ")]
    groups = [list(group.__annotations__) for group in (Settings, *Settings.__bases__)]
    assert [[name.lower() for name in table] for table in tables if table] == groups


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_link_and_picture_is_there(page: pathlib.Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        found = (page.parent / path) if path else page
        assert found.exists(), target
        assert not anchor or anchor in list_anchors(found.read_text()), target


def list_anchors(text: str) -> list[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_readme_leads_to_every_page() -> None:
    for page in ALL:
        assert f"({page.relative_to(ROOT)})" in README or page.name == "README.md", page.name


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pattern = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)
    named = {name for page in ALL[:2] for name in pattern.findall(page.read_text())}
    assert named <= targets, named - targets


@pytest.mark.parametrize("path", sorted(ROOT.glob("models/*/model.json")), ids=lambda path: path.parent.name)
def test_every_bundle_has_a_report_of_its_version(path: pathlib.Path) -> None:
    manifest = json.loads(path.read_text())
    report = (ROOT / "docs" / "reports" / f"{manifest['name']}.html").read_text()
    assert f"Version {manifest['version']}" in report
    assert f"{manifest['metrics']['negative_elbo']:.3f}" in report
    assert f"docs/reports/{manifest['name']}.html" in README
