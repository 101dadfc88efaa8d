from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from service.cli.terminal.inline import write_iterm2, write_kitty

# Noise does not compress: more than two sequences.
IMAGE = Image.fromarray(np.random.RandomState(0).randint(0, 256, (90, 80), np.uint8))


def read(data: bytes) -> bytes:
    with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
        assert image.format == "PNG"
        return image.tobytes()


def test_kitty_gets_the_file_in_pieces() -> None:
    found = re.findall(rb"\x1b_G(.*?);([A-Za-z0-9+/=]*)\x1b\\", write_kitty(IMAGE))
    controls, pieces = [control for control, _ in found], [piece for _, piece in found]
    assert controls[0] == b"a=T,f=100,q=2,m=1"
    assert set(controls[1:-1]) == {b"m=1"}
    assert controls[-1] == b"m=0"
    assert max(map(len, pieces)) == 4096
    assert read(b"".join(pieces)) == IMAGE.tobytes()


def test_a_small_file_is_one_piece_for_kitty() -> None:
    assert write_kitty(Image.new("L", (2, 2))).startswith(b"\x1b_Ga=T,f=100,q=2,m=0;")


def test_iterm2_gets_the_file_with_its_size() -> None:
    match = re.fullmatch(
        rb"\x1b\]1337;File=inline=1;size=(\d+);width=80px;height=90px:(.*)\x07\n", write_iterm2(IMAGE)
    )
    assert match
    assert len(base64.b64decode(match[2])) == int(match[1])
    assert read(match[2]) == IMAGE.tobytes()
