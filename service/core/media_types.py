"""Media types, and which of them pictures and sequences are offered in."""

from __future__ import annotations

PNG = "image/png"
WEBP = "image/webp"
GIF = "image/gif"
APNG = "image/apng"
JSON = "application/json"
NPY = "application/x-npy"
ZIP = "application/zip"
NDJSON = "application/x-ndjson"
MARKDOWN = "text/markdown"
OCTETS = "application/octet-stream"
# By the names that `format=` and the ends of image URLs use.
FORMATS = {
    "png": PNG,
    "webp": WEBP,
    "gif": GIF,
    "apng": APNG,
    "json": JSON,
    "npy": NPY,
    "zip": ZIP,
    "ndjson": NDJSON,
}
EXTENSIONS = {media_type: name for name, media_type in FORMATS.items()}
# The formats of pictures, the preferred first; sequences have three more.
STILL = (PNG, JSON, NPY, WEBP, ZIP)
MOVING = (*STILL, APNG, GIF, NDJSON)
DRAWN = (PNG, JSON, WEBP)
