"""Write pictures as escape sequences that carry a file: the protocols of kitty and iTerm2."""

from __future__ import annotations

import base64
import io

from PIL import Image

# Most characters of one escape sequence (kitty's documentation, "remote client").
CHUNK = 4096


def write_kitty(image: Image.Image) -> bytes:
    """Return the escape sequences that show a picture where the cursor is, in kitty's graphics protocol."""
    data = base64.b64encode(_to_png(image))
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    parts = []
    for i, chunk in enumerate(chunks):
        # Transmit and display a PNG, and answer nothing.
        control = b"a=T,f=100,q=2," if i == 0 else b""
        parts.append(b"\x1b_G%bm=%d;%b\x1b\\" % (control, i < len(chunks) - 1, chunk))
    return b"".join(parts) + b"\n"


def write_iterm2(image: Image.Image) -> bytes:
    """Return the escape sequence that shows a picture where the cursor is, as iTerm2 reads it."""
    content = _to_png(image)
    size = b"size=%d;width=%dpx;height=%dpx" % (len(content), *image.size)
    return b"\x1b]1337;File=inline=1;%b:%b\x07\n" % (size, base64.b64encode(content))


def _to_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
