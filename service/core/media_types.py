"""Media types, and which of them pictures and sequences can be had as."""

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
# By the name that `format=` and the ends of image URLs have for them.
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
# What pictures can be had as, the preferred first; sequences as the last three too.
STILL = (PNG, JSON, NPY, WEBP, ZIP)
MOVING = (*STILL, APNG, GIF, NDJSON)
