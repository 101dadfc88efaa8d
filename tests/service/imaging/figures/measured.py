"""What was measured of each scene of `test_reading` once: a change of how figures are read shows here."""

from __future__ import annotations

from typing import NamedTuple


class Measured(NamedTuple):
    """Of a reading: its threshold and sureness, what lay beside, and the size and mean of its cover."""

    threshold: float
    found: float
    ignored: tuple[int, int, int]
    shape: tuple[int, int]
    mean: float


# Dark on light, and light on dark.
MEASURED = {
    "a clean sheet": (
        Measured(0.2, 0.9345, (0, 0, 0), (95, 60), 0.3239),
        Measured(0.2, 0.9345, (0, 0, 0), (95, 60), 0.3239),
    ),
    "a dim sheet": (
        Measured(0.0824, 0.9345, (0, 0, 0), (95, 60), 0.3239),
        Measured(0.0824, 0.9346, (0, 0, 0), (95, 60), 0.3239),
    ),
    "pale ink": (
        Measured(0.0478, 0.9161, (0, 0, 0), (95, 60), 0.3082),
        Measured(0.0475, 0.9188, (0, 0, 0), (95, 60), 0.3137),
    ),
    "noise": (
        Measured(0.205, 0.9059, (0, 0, 0), (95, 60), 0.3056),
        Measured(0.205, 0.9047, (0, 0, 0), (95, 60), 0.3053),
    ),
    "light that falls": (
        Measured(0.1394, 0.8832, (0, 0, 0), (95, 60), 0.3133),
        Measured(0.1391, 0.8833, (0, 0, 0), (95, 60), 0.2779),
    ),
    "a vignette": (
        Measured(0.1721, 0.9236, (0, 0, 0), (95, 60), 0.3208),
        Measured(0.1714, 0.9239, (0, 0, 0), (95, 60), 0.3209),
    ),
    "a shadow": (
        Measured(0.0945, 0.8694, (0, 0, 1), (96, 60), 0.3166),
        Measured(0.0946, 0.8673, (0, 0, 1), (95, 60), 0.2048),
    ),
    "glare": (
        Measured(0.16, 0.9345, (0, 0, 0), (95, 60), 0.3239),
        Measured(0.16, 0.9345, (0, 0, 0), (95, 60), 0.3239),
    ),
    "a frame": (
        Measured(0.1998, 0.9344, (4, 0, 0), (95, 60), 0.323),
        Measured(0.1998, 0.9344, (4, 0, 0), (95, 60), 0.323),
    ),
    "a table": (
        Measured(0.1998, 0.9031, (0, 0, 0), (95, 60), 0.3188),
        Measured(0.1997, 0.9036, (0, 0, 0), (95, 60), 0.3134),
    ),
    "rules": (
        Measured(0.1911, 0.9347, (0, 0, 0), (95, 62), 0.315),
        Measured(0.1911, 0.9347, (0, 0, 0), (95, 62), 0.3145),
    ),
    "squares": (
        Measured(0.1827, 0.6778, (0, 95, 0), (97, 62), 0.309),
        Measured(0.1827, 0.6785, (0, 95, 0), (97, 62), 0.3085),
    ),
    "a box": (
        Measured(0.2, 0.9345, (0, 0, 1), (95, 60), 0.3239),
        Measured(0.2, 0.9345, (0, 0, 1), (95, 60), 0.3239),
    ),
    "a speck": (
        Measured(0.2, 0.9345, (0, 1, 0), (95, 60), 0.3239),
        Measured(0.2, 0.9345, (0, 1, 0), (95, 60), 0.3239),
    ),
    "many specks": (
        Measured(0.1997, 0.9344, (0, 0, 0), (95, 60), 0.323),
        Measured(0.1997, 0.9344, (0, 0, 0), (95, 60), 0.323),
    ),
    "a blot": (
        Measured(0.2, 0.9345, (0, 0, 1), (95, 60), 0.3239),
        Measured(0.2, 0.9345, (0, 0, 1), (95, 60), 0.3239),
    ),
    "print": (
        Measured(0.2, 0.9345, (0, 25, 25), (95, 60), 0.3239),
        Measured(0.2, 0.9345, (0, 25, 25), (95, 60), 0.3239),
    ),
}
