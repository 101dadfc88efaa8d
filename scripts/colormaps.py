"""Write `service/imaging/colormap_tables.py` from matplotlib's colormaps, each colour to the nearest byte.

`python -m scripts.colormaps > service/imaging/colormap_tables.py`, with the development dependencies.
"""

from __future__ import annotations

import sys

import matplotlib
import numpy as np

NAMES = ("viridis", "magma", "inferno", "coolwarm")
COLOURS_A_LINE = 16
HEAD = '''"""The 256 colours of each colormap, in hexadecimal, as `scripts/colormaps.py` writes them.

viridis, magma and inferno are by Smith and van der Walt (2015), who gave them to the public domain (CC0);
coolwarm is by Moreland, "Diverging color maps for scientific visualization" (2009). As matplotlib has them.
"""

from __future__ import annotations

'''


def write_module() -> str:
    """Return the text of the module."""
    lines = ["TABLES = {"]
    for name in NAMES:
        lines += [f'    "{name}": (', *(f'        "{row}"' for row in _write_rows(name)), "    ),"]
    return HEAD + "\n".join([*lines, "}", ""])


def _write_rows(name: str) -> list[str]:
    colours = matplotlib.colormaps[name](np.arange(256))[:, :3]
    table = np.rint(colours * 255).astype(np.uint8)
    return [row.tobytes().hex() for row in np.split(table, len(table) // COLOURS_A_LINE)]


if __name__ == "__main__":
    sys.stdout.write(write_module())
