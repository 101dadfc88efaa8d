"""The program of a process that decodes one picture: the file from stdin, the pixels to stdout.

It is run by its path and imports nothing of ours, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
import sys

from PIL import Image, ImageOps

# Larger pictures are first reduced to about this size: 16 million pixels as floats take 64 MB, several times.
WORKING_SIDE = 1024
# The status of a process that needs more memory; 1 is a damaged file, whose answer says why.
NO_ROOM = 3
HEAD = struct.Struct("<8sIIII")
# Where a picture keeps its size before it was reduced.
UPLOAD_SIZE = "upload_size"
# Pillow's module and class for each format; looked up by name alone, all sixty would be loaded.
OPENERS = {
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
}
# The modes that are sent; others are converted. 16-bit grey keeps its range.
MODES = ("L", "LA", "RGB", "RGBA", "I;16")
WIDE = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def pack(image: Image.Image) -> bytes:
    """Return a picture as the bytes of an answer."""
    return HEAD.pack(image.mode.encode(), *image.size, *image.info[UPLOAD_SIZE]) + image.tobytes()


def unpack(answer: bytes) -> Image.Image:
    """Return the picture of an answer."""
    mode, width, height, *size = HEAD.unpack_from(answer)
    pixels = memoryview(answer)[HEAD.size :]
    image = Image.frombytes(mode.rstrip(b"\0").decode(), (width, height), pixels)
    image.info[UPLOAD_SIZE] = tuple(size)
    return image


def decode(content: bytes, kind: str) -> Image.Image:
    """Decode a file, upright, reduced, and in one of `MODES`.

    Args:
        content: The file.
        kind: A key of `OPENERS`.
    """
    module, name = OPENERS[kind]
    plugin = importlib.import_module(module)
    if kind == "AVIF":
        plugin.__dict__["DEFAULT_MAX_THREADS"] = 1
    if kind == "HEIF":
        sys.modules["pillow_heif.options"].__dict__["DECODE_THREADS"] = 1
    with getattr(plugin, name)(io.BytesIO(content)) as image:
        image.load()
        reduced = turned = reduce(image)
        with contextlib.suppress(Exception):  # marks of a camera that make no sense
            turned = ImageOps.exif_transpose(reduced)
        decoded = _simplify(turned)
    decoded.info[UPLOAD_SIZE] = image.size if turned.size == reduced.size else image.size[::-1]
    return decoded


def reduce(image: Image.Image) -> Image.Image:
    """Return a picture reduced so that its longer side has less than twice `WORKING_SIDE`."""
    factor = max(image.size) // WORKING_SIDE
    if factor < 2:
        return image
    # Pillow averages blocks of neither palette indices, bits nor 16-bit grey.
    modes = {"P": "RGBA", "PA": "RGBA", "1": "L", **dict.fromkeys(WIDE, "I")}
    return image.convert(modes.get(image.mode, image.mode)).reduce(factor)


def _simplify(image: Image.Image) -> Image.Image:
    if image.mode in MODES:
        return image
    if image.mode in WIDE:
        return image.convert("I;16")
    if image.mode == "F":
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _limit(memory_bytes: int, cpu_s: int) -> None:
    # Where memory is short all the same, the system is to end this process and no other.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Decode the file from stdin, and return the status to exit with."""
    kind, memory_bytes, cpu_s = sys.argv[1:]
    _limit(int(memory_bytes), int(cpu_s))
    try:
        sys.stdout.buffer.write(pack(decode(sys.stdin.buffer.read(), kind)))
    except MemoryError:
        return NO_ROOM
    except Exception as error:
        sys.stdout.buffer.write(str(error)[:200].encode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
