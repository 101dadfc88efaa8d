"""The choices that requests name: one place for the API, the client and the command line."""

from __future__ import annotations

from typing import Literal

SEED_LIMIT = 2**32
# A class: its label, or its name.
ClassName = int | str
Dtype = Literal["float32", "uint8"]
ImagePolarity = Literal["light-on-dark", "dark-on-light"]
Polarity = Literal["auto", "light-on-dark", "dark-on-light"]
Method = Literal["lerp", "slerp"]
Resample = Literal["nearest", "smooth"]
Colormap = Literal["grey", "viridis", "magma", "inferno", "coolwarm"]
Format = Literal["png", "webp", "gif", "apng", "json", "npy", "zip", "ndjson"]
Still = Literal["png", "webp", "json", "npy", "zip"]
Moving = Literal["png", "apng", "gif", "webp", "json", "ndjson", "npy", "zip"]
Drawn = Literal["png", "webp", "json"]
# What vectors of no class are drawn from.
PriorName = Literal["normal", "mixture"]
Provider = Literal["auto", "cpu", "cuda", "tensorrt"]
Figures = Literal["one", "all"]
View = Literal["input"]
Graph = Literal["encoder", "decoder"]
