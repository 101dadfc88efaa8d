"""Pictures that cost far more than their size says, built by hand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

PNG_START = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR, PALETTE, COLOUR_ALPHA = 0, 2, 3, 6
SAMPLES = {GREY: 1, COLOUR: 3, PALETTE: 1, COLOUR_ALPHA: 4}
# Two codes of a Huffman table: "the rest of the block, and of 2 ** 14 more, is 0", and "the block is 0".
LONG_RUN, BLOCK_END = 0xE0, 0x00
BLOCKS_A_RUN = 32_767


def png_chunk(name: bytes, content: bytes = b"") -> bytes:
    """Return a chunk with its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    kind: int = GREY,
    interlaced: bool = False,
    palette: bytes = bytes(768),
    extra: Iterable[bytes] = (),
    piece_bytes: int = 2**20,
) -> bytes:
    """Return a black picture.

    Args:
        width: In pixels.
        height: In pixels.
        depth: Bits of a sample.
        kind: Of `SAMPLES`.
        interlaced: In seven passes.
        palette: Colours, if the kind wants them; none: no such chunk.
        extra: Whole chunks that stand before the pixels.
        piece_bytes: Packed pixels of a chunk.
    """
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    packed = _pack_zeros(_png_bytes(width, height, depth * SAMPLES[kind], interlaced))
    pieces = [packed[i : i + piece_bytes] for i in range(0, len(packed), piece_bytes)]
    colours = [png_chunk(b"PLTE", palette)] if kind == PALETTE and palette else []
    chunks = [png_chunk(b"IHDR", head), *colours, *extra, *(png_chunk(b"IDAT", piece) for piece in pieces)]
    return PNG_START + b"".join(chunks) + png_chunk(b"IEND")


def _png_bytes(width: int, height: int, bits: int, interlaced: bool) -> int:
    if not interlaced:
        return height * (1 + (width * bits + 7) // 8)
    total = 0
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        columns, rows = max(0, -((x - width) // dx)), max(0, -((y - height) // dy))
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def _pack_zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(min(2**20, count - start))) for start in range(0, count, 2**20)]
    return b"".join(parts) + packer.flush()


def png_of_chunks(count: int, name: bytes = b"IDAT", content: bytes = b"") -> bytes:
    """Return a picture of 28 x 28 with so many chunks more, of empty pieces of its pixels by default."""
    return png(28, 28, extra=[png_chunk(name, content) * count])


def png_of_packed_text(count: int, unpacked_bytes: int = 2**20 - 64, name: bytes = b"zTXt") -> bytes:
    """Return a picture with so many packed texts, or colour profiles (`iCCP`), of this size."""
    heads = {b"zTXt": b"k\0\0", b"iCCP": b"k\0\0", b"iTXt": b"k\0\1\0\0\0"}
    return png_of_chunks(count, name, heads[name] + _pack_zeros(unpacked_bytes))


def segment(code: int, content: bytes = b"") -> bytes:
    """Return a marker segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def _jpeg_head(frame: int, width: int, height: int, components: int, extra: bytes = b"") -> bytes:
    sampling = b"".join(bytes((i + 1, 0x11, 0)) for i in range(components))
    lengths = bytes((1, 1, *([0] * 14)))
    return (
        b"\xff\xd8"
        + extra
        + segment(0xDB, b"\0" + b"\1" * 64)
        + segment(frame, struct.pack(">BHHB", 8, height, width, components) + sampling)
        + segment(0xC4, b"\x00" + lengths + bytes((0, 1)))
        + segment(0xC4, b"\x10" + lengths + bytes((BLOCK_END, LONG_RUN)))
    )


def _scan(components: Iterable[int], spectrum: tuple[int, int], bits: int, data: bytes) -> bytes:
    chosen = b"".join(bytes((component, 0)) for component in components)
    return segment(0xDA, bytes((len(chosen) // 2,)) + chosen + bytes((*spectrum, bits))) + data


def _runs(blocks: int) -> bytes:
    # A code of two bits and fourteen that say how many more than 2 ** 14: all of them, so 32,767 blocks.
    bits = ("10" + "1" * 14) * -(-blocks // BLOCKS_A_RUN)
    bits += "1" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def progressive_jpeg(scans: int, width: int = 3990, height: int = 4000, *, refine: bool = False) -> bytes:
    """Return a grey picture of 44 bytes a scan, each of which visits all blocks.

    Args:
        scans: How many.
        width: In pixels.
        height: In pixels.
        refine: Scans that look at each coefficient of each block again.
    """
    blocks = -(-width // 8) * -(-height // 8)
    first = _scan([1], (0, 0), 0x01, bytes(-(-blocks // 8)))
    spectrum = _scan([1], (1, 63), 0x10 if refine else 0x01, _runs(blocks))
    return _jpeg_head(0xC2, width, height, 1) + first + spectrum * (scans - 1) + b"\xff\xd9"


def plain_jpeg(width: int, height: int) -> bytes:
    """Return a grey picture in one scan, of two bits a block."""
    blocks = -(-width // 8) * -(-height // 8)
    return _jpeg_head(0xC0, width, height, 1) + _scan([1], (0, 63), 0, bytes(blocks // 4 + 1)) + b"\xff\xd9"


def sequential_jpeg(scans: int, width: int = 3990, height: int = 4000, frame: int = 0xC0) -> bytes:
    """Return a picture of three components, each in scans of its own, which come again and again."""
    each = [_scan([1 + i % 3], (0, 63), 0, b"\0") for i in range(scans)]
    return _jpeg_head(frame, width, height, 3) + b"".join(each) + b"\xff\xd9"


def arithmetic_jpeg(width: int = 3990, height: int = 4000, scans: int = 1) -> bytes:
    """Return a progressive picture in arithmetic coding, whose decoder needs no data to go on."""
    each = _scan([1], (1, 63), 0x01, b"\x55" * 8)
    first = _scan([1], (0, 0), 0x01, b"\x55" * 8)
    return _jpeg_head(0xCA, width, height, 1) + first + each * scans + b"\xff\xd9"


def jpeg_of_segments(count: int, code: int = 0xE1, content: bytes = b"Exif\0\0MM\0*") -> bytes:
    """Return a small picture behind so many segments, each the head of an EXIF block by default."""
    extra = segment(code, content) * count
    return _jpeg_head(0xC0, 28, 28, 1, extra) + _scan([1], (0, 63), 0, bytes(16)) + b"\xff\xd9"


def jpeg_of_fill(count: int) -> bytes:
    """Return a small picture with so many fill bytes before a marker."""
    extra = b"\xff" * count + b"\xfe\0\2"
    return _jpeg_head(0xC0, 28, 28, 1, extra) + _scan([1], (0, 63), 0, bytes(16)) + b"\xff\xd9"


def jpeg_of_restarts(width: int = 3990, height: int = 4000) -> bytes:
    """Return a picture with a restart marker after each block."""
    blocks = -(-width // 8) * -(-height // 8)
    restarts = b"".join(bytes((0, 0xFF, 0xD0 + i)) for i in range(8))
    data = restarts * -(-blocks // 8)
    interval = segment(0xDD, b"\0\1")
    return _jpeg_head(0xC0, width, height, 1, interval) + _scan([1], (0, 63), 0, data) + b"\xff\xd9"


def exif_of_entries(count: int, shared_bytes: int = 50_000) -> bytes:
    """Return an EXIF block of so many entries, all of which name the same bytes as theirs."""
    start = 8 + 2 + 12 * count + 4
    entries = b"".join(struct.pack(">HHLL", i, 7, shared_bytes, start) for i in range(count))
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", count) + entries + bytes(4 + shared_bytes)


def png_of_exif(count: int, shared_bytes: int = 50_000) -> bytes:
    """Return a picture of 28 x 28 with such an EXIF block."""
    return png(28, 28, extra=[png_chunk(b"eXIf", exif_of_entries(count, shared_bytes))])


def deflate_of_empty_blocks(count: int) -> bytes:
    """Return a zlib stream of so many blocks, each with code tables of its own and nothing in it."""
    # By RFC 1951, section 3.2.7: dynamic, not the last; 257, 1 and 18 codes; lengths of 3 bits in their order
    # (of 18: 1 bit, of 1: 2 bits, of 0: 2 bits); zeros by 138 and 118, a code for the end, one for distances.
    order = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1)
    lengths = {18: 1, 1: 1}
    bits = ["0", "01", _low(0, 5), _low(0, 5), _low(len(order) - 4, 4)]
    bits += [_low(lengths.get(code, 0), 3) for code in order]
    # With two codes of a bit each, 0 is the code of 1 and 1 that of 18.
    bits += ["1" + _low(127, 7), "1" + _low(107, 7), "0", "0", "0"]
    stream = "".join(bits) * 8
    packed = int(stream[::-1], 2).to_bytes(len(stream) // 8, "little")
    return b"\x78\x9c" + packed * (count // 8)


def _low(value: int, width: int) -> str:
    return format(value, f"0{width}b")[::-1]


def png_of_empty_blocks(count: int, width: int = 28, height: int = 28) -> bytes:
    """Return a picture whose packed pixels are so many blocks with nothing in them."""
    head = struct.pack(">IIBBBBB", width, height, 8, GREY, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", deflate_of_empty_blocks(count)), (b"IEND", b"")
    return PNG_START + b"".join(png_chunk(*chunk) for chunk in chunks)


def jpeg_of_late_fill(count: int) -> bytes:
    """Return a picture with so many fill bytes behind its last scan."""
    return progressive_jpeg(2).removesuffix(b"\xff\xd9") + b"\xff" * count + b"\xff\xd9"


def gif_of_blocks(count: int) -> bytes:
    """Return the head of a GIF with so many empty extensions before its first frame."""
    return b"GIF89a" + struct.pack("<HHBBB", 28, 28, 0, 0, 0) + b"!\xfe\0" * count


def bmp_of_runs(count: int) -> bytes:
    """Return a picture of 16 million pixels in so many runs of one pixel."""
    head = struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + bytes(8) + struct.pack("<I", 14 + len(head) + 1024) + head + bytes(1024) + b"\1\0" * count
