"""Read the playground's files once, and name them by a digest of them all.

Invariant: an asset's URL holds the digest, so other bytes have another URL, and caches keep each for ever.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import html
import mimetypes
import pathlib
from collections.abc import Mapping

FOLDER = pathlib.Path(__file__).parent / "static"
PAGE = "index.html"
PRELOAD = '<link rel="modulepreload" href="{{root}}/playground/{{digest}}/{name}" />'
WORKER = "-worker.js"
DIGEST_BYTES = 8
GZIP_LEVEL = 9
TEXT = ("text/", "image/svg+xml")
# Not from the machine's tables, which may know no module scripts.
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "text/plain",
}


@dataclasses.dataclass(frozen=True)
class Asset:
    """A file of the page.

    Attributes:
        content: Its bytes.
        packed: The same, as a gzip file.
        media_type: With the character set of a text.
    """

    content: bytes
    packed: bytes
    media_type: str


@dataclasses.dataclass(frozen=True)
class Assets:
    """All files of the playground.

    Attributes:
        files: By path below the folder, with slashes.
        page: The page. `{root}` and `{digest}` stand for the beginnings of addresses; `{modules}` is where
            browsers are told of all scripts, which they would else find one after the other.
        digest: Of the names and bytes of all files, in hexadecimal digits.
    """

    files: Mapping[str, Asset]
    page: str
    digest: str

    def write_page(self, root_path: str) -> str:
        """Return the page for a service under a path, which may be empty."""
        modules = "\n    ".join(PRELOAD.format(name=name) for name in self.files if _is_module(name))
        page = self.page.replace("{modules}", modules)
        return page.replace("{root}", html.escape(root_path)).replace("{digest}", self.digest)


def read_assets(folder: pathlib.Path = FOLDER) -> Assets:
    """Read all files of the playground."""
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name, content in contents.items():
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    page = contents.pop(PAGE).decode()
    files = {name: _pack(name, content) for name, content in contents.items()}
    return Assets(files, page, digest.hexdigest())


def _is_module(name: str) -> bool:
    return name.endswith(".js") and not name.endswith(WORKER)


def _pack(name: str, content: bytes) -> Asset:
    suffix = pathlib.PurePath(name).suffix
    media_type = MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if media_type.startswith(TEXT):
        media_type += "; charset=utf-8"
    return Asset(content, gzip.compress(content, GZIP_LEVEL, mtime=0), media_type)
