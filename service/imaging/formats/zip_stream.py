"""Write zip archives, an entry at a time. Pure functions."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterable, Iterator

EARLIEST = (1980, 1, 1, 0, 0, 0)
UNIX = 3
READABLE = stat.S_IFREG | 0o644


class _Window(io.BytesIO):
    """The bytes of a file that were written since the last `drain`, at their offset in the whole file.

    `zipfile` seeks back to the start of an entry to fill in its size, which programs that unpack a stream
    need.
    """

    drained = 0

    def tell(self) -> int:
        return self.drained + super().tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = self.drained if whence == io.SEEK_SET else 0
        return self.drained + super().seek(offset - start, whence)

    def drain(self) -> bytes:
        content = self.getvalue()
        self.drained += len(content)
        super().seek(0)
        super().truncate()
        return content


def zip_entries(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Write files into a zip archive as they come, holding one at most.

    They are stored uncompressed and with a fixed time: equal entries give equal bytes.

    Args:
        entries: Names and contents, of less than 2 GiB each.

    Yields:
        Pieces of the archive: one for each entry, and a last one.
    """
    window = _Window()
    with zipfile.ZipFile(window, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries:
            archive.writestr(_describe(name), content)
            yield window.drain()
    yield window.drain()


def _describe(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EARLIEST)
    # By default these differ between platforms; without permissions, an unpacked file could not be read.
    entry.create_system = UNIX
    entry.external_attr = READABLE << 16
    return entry
