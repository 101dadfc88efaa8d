"""Turn a picture's file into what shows it in this terminal."""

from __future__ import annotations

import io
import os
import shutil

from PIL import Image

from service.cli.terminal.blocks import write_blocks
from service.cli.terminal.detection import Protocol, ask_attributes, find_colours, find_protocol
from service.cli.terminal.inline import write_iterm2, write_kitty
from service.cli.terminal.sixel import write_sixel

# Small pictures are enlarged, so that one of 28 pixels is not lost on a screen: to this many pixels of the
# shorter side, and no more of the longer one than a terminal of 80 columns has.
SHORT_SIDE, LONG_SIDE = 224, 640
# Of a terminal that does not say.
SIZE = (80, 24)


def show(content: bytes, protocol: Protocol | None) -> bytes:
    """Return the bytes that show a picture once a terminal gets them.

    Args:
        content: The file; of one that moves, the first frame is shown.
        protocol: How; None: as the terminal can.
    """
    with Image.open(io.BytesIO(content)) as file:
        image = file.convert("L" if file.mode == "L" else "RGB")
    chosen = protocol or find_protocol(os.environ, ask_attributes)
    if chosen == "blocks":
        return write_blocks(image, shutil.get_terminal_size(SIZE).columns, find_colours(os.environ))
    factor = max(1, min(SHORT_SIDE // min(image.size), LONG_SIDE // max(image.size)))
    large = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return {"kitty": write_kitty, "iterm2": write_iterm2, "sixel": write_sixel}[chosen](large)
