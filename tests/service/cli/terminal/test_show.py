"""`--show`: a picture in the terminal, in place of stdout and beside a file."""

from __future__ import annotations

import os
import pathlib
import pty
import subprocess
import sys
import threading

import pytest
from PIL import Image

from tests.service.cli.commands import DEADLINE_S, ROOT, Cvae


def test_blocks_show_a_picture_as_text(cvae: Cvae) -> None:
    text = cvae.run("decode", "-99,99", "--show-as", "blocks", NO_COLOR="1").stdout
    assert text == f"{' ' * 28}\n" * 7 + f"{'█' * 28}\n" * 7


def test_a_file_is_written_too(local: Cvae) -> None:
    content = local.check("interpolate", "3", "8", "--show-as", "kitty", "-o", "walk.gif")
    assert content.startswith(b"\x1b_Ga=T,f=100,")
    with Image.open(local.folder / "walk.gif") as image:
        assert image.format == "GIF"


@pytest.mark.parametrize(
    ("protocol", "start"),
    [("kitty", b"\x1b_G"), ("iterm2", b"\x1b]1337;File="), ("sixel", b'\x1bPq"1;1;224;224')],
)
def test_small_pictures_are_enlarged(local: Cvae, protocol: str, start: bytes) -> None:
    assert local.check("decode", "1,2", "--show-as", protocol).startswith(start)


def test_no_side_is_enlarged_beyond_the_screen(local: Cvae) -> None:
    # Ten pictures of 28 pixels beside each other: twice as large they have 560 of 640 pixels.
    strip = local.check("interpolate", "3", "8", "--steps", "10", "--columns", "10", "--show-as", "sixel")
    assert strip.startswith(b'\x1bPq"1;1;560;56')


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--show",), "--show: expected a terminal, or --show-as; stdout is none"),
        (("--show-as", "sixel", "--format", "npy"), "--show: expected a picture's format; received npy"),
        (("--show-as", "sixel", "-o", "a.zip"), "--show: expected a picture's format; received zip"),
        (
            ("--show-as", "sixel", "-o", "-", "--format", "png"),
            "expected one of --show and -o -, received both",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(local: Cvae, options: tuple[str, ...], line: str) -> None:
    assert line in local.refuse(2, "decode", "1,2", *options)


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    ("attributes", "start"),
    [
        (b"\x1b[?62;4c", b"\x1bPq"),
        pytest.param(b"\x1b[?62c", b"\x1b[38;2;", marks=pytest.mark.slow),
    ],
)
def test_a_terminal_is_asked_what_it_can_do(models: pathlib.Path, attributes: bytes, start: bytes) -> None:
    terminal, inside = pty.openpty()
    shown = bytearray()

    def play() -> None:
        # At the end of the program, Linux fails to read.
        while piece := _read(terminal):
            shown.extend(piece)
            if b"\x1b[c" in piece:
                os.write(terminal, attributes)

    thread = threading.Thread(target=play)
    thread.start()
    environment = {**os.environ, "CVAE_MODELS_DIR": str(models), "TERM": "xterm", "COLORTERM": "truecolor"}
    for name in ("TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "LC_TERMINAL", "NO_COLOR"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "service.cli", "decode", "0.5,-1", "--show"]
    done = subprocess.run(
        # A session of its own, so that /dev/tty is this terminal.
        ["setsid", "--ctty", "--wait", *command],
        cwd=ROOT,
        env=environment,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        timeout=DEADLINE_S,
    )
    os.close(inside)
    thread.join(DEADLINE_S)
    os.close(terminal)
    assert done.returncode == 0, shown
    assert shown.partition(b"\x1b[c")[2].startswith(start), shown[:200]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
