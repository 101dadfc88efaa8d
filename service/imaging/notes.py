"""Put a note into a finished picture and read it again: what made it, as JSON in the file's own way.

PNG and APNG have a `tEXt` chunk of the keyword `cvae`, WebP an XMP packet whose description is the note.
"""

from __future__ import annotations

import html
import re
import struct

from service.core.media_types import APNG, PNG, WEBP
from service.imaging.formats.png import SIGNATURE, write_chunk

NOTED = (PNG, WEBP, APNG)
# The signature and the header's chunk, before which nothing may stand.
PNG_HEAD_BYTES = len(SIGNATURE) + 25
PNG_TEXT = b"cvae\0"
RIFF_HEAD = struct.Struct("<4sI4s")
XMP_FLAG = 0b100
# The specification's skeleton: one description, of the picture itself, in the default language (ISO 16684-1).
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{}</rdf:li>'
    "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
)
DESCRIPTION = re.compile(rb"<dc:description>\s*<rdf:Alt>\s*<rdf:li[^>]*>([^<]*)</rdf:li>")
# A note of ours is shorter, and stands among the first chunks of a file.
MOST_BYTES, MOST_CHUNKS = 131_072, 1024


def add_note(media_type: str, content: bytes, note: bytes) -> bytes:
    """Return a file with a note in it.

    Args:
        media_type: One of `NOTED`.
        content: The file as this service writes it; of PNG and APNG, its start will do.
        note: JSON in ASCII.
    """
    if media_type == WEBP:
        return _add_xmp(content, PACKET.format(html.escape(note.decode("ascii"), quote=False)).encode())
    text = write_chunk(b"tEXt", PNG_TEXT + note)
    return content[:PNG_HEAD_BYTES] + text + content[PNG_HEAD_BYTES:]


def read_note(content: bytes) -> bytes | None:
    """Return the note of a file, which anyone may have written; None if it has none."""
    if content.startswith(SIGNATURE):
        return _read_png(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _read_webp(content)
    return None


def _add_xmp(content: bytes, packet: bytes) -> bytes:
    chunks = content[RIFF_HEAD.size :]
    if not chunks.startswith(b"VP8X"):
        # A lossless still: one byte of signature, then 14 bits each of the width and the height less one.
        (bits,) = struct.unpack_from("<I", chunks, 9)
        sides = bits & 0x3FFF, bits >> 14 & 0x3FFF
        extended = bytes(4) + b"".join(side.to_bytes(3, "little") for side in sides)
        chunks = _riff_chunk(b"VP8X", extended) + chunks
    flags = chunks[8] | XMP_FLAG
    body = chunks[:8] + bytes([flags]) + chunks[9:] + _riff_chunk(b"XMP ", packet)
    return RIFF_HEAD.pack(b"RIFF", 4 + len(body), b"WEBP") + body


def _riff_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data + bytes(len(data) % 2)


def _read_png(content: bytes) -> bytes | None:
    offset = len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if len(content) - offset < 8:
            return None
        length, kind = struct.unpack_from(">I4s", content, offset)
        if kind == b"tEXt" and content.startswith(PNG_TEXT, offset + 8):
            return _cut(content[offset + 8 + len(PNG_TEXT) : offset + 8 + length])
        offset += 12 + length
    return None


def _read_webp(content: bytes) -> bytes | None:
    offset = RIFF_HEAD.size
    for _ in range(MOST_CHUNKS):
        if len(content) - offset < 8:
            return None
        kind, length = struct.unpack_from("<4sI", content, offset)
        if kind == b"XMP " and length <= 2 * MOST_BYTES:
            found = DESCRIPTION.search(content, offset + 8, offset + 8 + length)
            return _cut(html.unescape(found[1].decode("utf-8", "replace")).encode()) if found else None
        offset += 8 + length + length % 2
    return None


def _cut(note: bytes) -> bytes | None:
    return note if len(note) <= MOST_BYTES else None
