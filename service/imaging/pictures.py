"""Decoded pictures, together with their latent vectors."""

from __future__ import annotations

import dataclasses

from service.core.arrays import Floats


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Latent vectors and the pictures they decode to.

    Attributes:
        z: `(batch, latent_dim)` float32.
        image: `(batch, height, width, channels)` float32 in [0, 1].
    """

    z: Floats
    image: Floats
