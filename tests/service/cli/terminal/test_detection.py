from __future__ import annotations

import pytest

from service.cli.terminal.detection import find_colours, find_protocol

WITH_SIXEL, WITHOUT = b"\x1b[?62;4;22c", b"\x1b[?64;14;24c"


@pytest.mark.parametrize(
    ("environment", "answer", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, b"", "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, b"", "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, b"", "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, b"", "iterm2"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, b"", "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, b"", "iterm2"),
        ({"TERM": "xterm"}, WITH_SIXEL, "sixel"),
        ({"TERM": "foot"}, b"q" + WITH_SIXEL, "sixel"),
        ({"TERM": "xterm"}, WITHOUT, "blocks"),
        ({"TERM": "xterm"}, b"", "blocks"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/a"}, WITHOUT, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/a"}, WITH_SIXEL, "sixel"),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, WITHOUT, "blocks"),
        ({"TERM": "dumb"}, WITH_SIXEL, "blocks"),
        ({}, WITH_SIXEL, "blocks"),
    ],
)
def test_the_protocol_is_that_of_the_terminal(
    environment: dict[str, str], answer: bytes, protocol: str
) -> None:
    assert find_protocol(environment, lambda: answer) == protocol


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "all"),
        ({"TERM": "xterm-direct"}, "all"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "dumb"}, "none"),
        ({}, "none"),
    ],
)
def test_text_has_the_colours_of_the_terminal(environment: dict[str, str], colours: str) -> None:
    assert find_colours(environment) == colours
