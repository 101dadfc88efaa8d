"""docs/security.md, followed to the letter at a service that asks for keys and signatures."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PIL import Image

from service.security.api_keys import parse_keys
from tests.live import serve

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```\n(?:\n```\n(.*?)```)?", PAGE, re.DOTALL)
KEY, PAIR = "correct-horse-battery-staple", f"{'ab' * 32}:{'cd' * 32}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("security")
    (folder / "keys.txt").write_text(f"website:read:sha256:{hashlib.sha256(KEY.encode()).hexdigest()}\n")
    return folder


@pytest.fixture(scope="module")
def addresses(folder: pathlib.Path) -> Iterator[dict[bool, str]]:
    """Host and port by whether signed URLs open too, as they do below their heading."""
    logs = folder / "log-keys", folder / "log-both"
    keys = {"CVAE_API_KEYS_FILE": str(folder / "keys.txt"), "CVAE_ACCESS_LOG": "1"}
    with serve(logs[0], **keys) as keyed, serve(logs[1], **keys, CVAE_SIGNING_KEYS=PAIR) as both:
        yield {False: keyed, True: both}
    text = logs[0].read_text() + logs[1].read_text()
    assert "/digits/{digit}" in text
    assert KEY not in text
    assert "signature=" not in text.replace("signature=...", "")


def run(command: str, address: str, folder: pathlib.Path) -> str:
    cvae = f"{shlex.quote(sys.executable)} -m service.cli "
    text = re.sub(r"^cvae |(?<=\$\()cvae ", lambda _: cvae, command.replace("localhost:8000", address))
    text = text.replace("curl ", "curl --silent --show-error ", 1)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CVAE_API_KEY": KEY,
        "CVAE_SIGNING_KEY": PAIR,
    }
    done = subprocess.run(text, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\r\n", "\n")


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(("command", "promised"), COMMANDS)
def test_each_command_does_what_is_said(
    addresses: dict[bool, str], folder: pathlib.Path, command: str, promised: str
) -> None:
    answer = run(command, addresses[PAGE.index(command) > PAGE.index("## Signed URLs")], folder)
    if name := re.search(r"-o (\S+\.png)", command):
        with Image.open(folder / name[1]) as image:
            assert image.size == (28, 28)
    elif ">> keys.txt" in command:
        assert parse_keys((folder / "keys.txt").read_text().split())
    else:
        pattern = re.escape(promised.strip()).replace("…", ".*")
        assert re.match(pattern, answer, re.DOTALL), answer


def test_the_program_signs_as_the_command_does(folder: pathlib.Path) -> None:
    (found,) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", found[0]], capture_output=True, text=True, check=True)
    command = "cvae sign --until 1790000000 '/digits/7.png?seed=3'"
    assert done.stdout == found[1] == run(command, "", folder)


def test_every_reason_and_scope_is_listed() -> None:
    text = "".join(path.read_text() for path in (ROOT / "service" / "security").glob("*.py"))
    reasons = {"no_key", "wrong_key", "wrong_scope", "unsigned", "wrong_signature", "expired"}
    for reason in reasons:
        assert f'"{reason}"' in text
        assert f"`{reason}`" in PAGE
