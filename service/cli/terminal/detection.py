"""Find out how the terminal shows pictures, and how many colours its text has."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections.abc import Callable, Mapping
from typing import Literal

Protocol = Literal["kitty", "iterm2", "sixel", "blocks"]
Colours = Literal["all", "256", "none"]

KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
KITTY_PROGRAMS = ("kitty", "ghostty")
ITERM2_PROGRAMS = ("iTerm.app", "WezTerm", "mintty")
# Primary device attributes, as all terminals since the VT100 know them; 4 in the answer stands for sixel.
QUESTION, ANSWER, SIXEL = b"\x1b[c", re.compile(rb"\x1b\[\?([0-9;]*)c"), b"4"
# A local terminal answers within a millisecond, one at the other end of a slow line within this.
PATIENCE_S = 0.3


def find_protocol(environment: Mapping[str, str], ask: Callable[[], bytes]) -> Protocol:
    """Return how to show a picture.

    Args:
        environment: Names the terminal.
        ask: Asks the terminal, where its name does not tell; see `ask_attributes`.

    Returns:
        The protocol of the terminal; "blocks", characters of text, where it knows none.
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if term in ("", "dumb"):
        return "blocks"
    # What runs inside tmux or screen inherits the names of the terminal outside, but draws through them.
    if not environment.get("TMUX") and not term.startswith(("tmux", "screen")):
        if term in KITTY_TERMS or program in KITTY_PROGRAMS or environment.get("KITTY_WINDOW_ID"):
            return "kitty"
        if program in ITERM2_PROGRAMS or environment.get("LC_TERMINAL") == "iTerm2":
            return "iterm2"
    answer = ANSWER.search(ask())
    return "sixel" if answer and SIXEL in answer[1].split(b";") else "blocks"


def find_colours(environment: Mapping[str, str]) -> Colours:
    """Return how many colours text may have; none where `NO_COLOR` is set (no-color.org)."""
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR") or term in ("", "dumb"):
        return "none"
    return "all" if environment.get("COLORTERM") in ("truecolor", "24bit") or "direct" in term else "256"


def ask_attributes() -> bytes:
    """Ask the terminal what it can do; return its answer, or nothing if there is none in time."""
    # Not on every system.
    import termios
    import tty

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return b""
    with contextlib.closing(os.fdopen(terminal, "r+b", buffering=0)):
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSANOW)
            os.write(terminal, QUESTION)
            return _read_answer(terminal)
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)


def _read_answer(terminal: int) -> bytes:
    answer, end = b"", time.monotonic() + PATIENCE_S
    while not ANSWER.search(answer) and (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            answer += os.read(terminal, 64)
    return answer
