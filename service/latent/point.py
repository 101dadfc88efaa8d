"""A point of latent space, as a request names it."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from service.core.choices import ClassName


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of latent space: a vector, or the centre of a class.

    Attributes:
        field: The name of the point in the request; errors name `<field>.z`, `.digit` and `.label`.
        z: The vector, float64, or None.
        digit: The label or the name of the class, or None.
        label: That for the decoder beside z, or None; with a digit, the digit is the label.
        at: Set where the request has the point as one text: errors then name this, and `<field>_label`.
    """

    field: str
    z: NDArray[np.float64] | None = None
    digit: ClassName | None = None
    label: ClassName | None = None
    at: str | None = None
