"""Keep weights out of a conversion: TensorFlow and tf2onnx copy each constant of a graph dozens of times.

A function that is converted takes them as arguments; in the graph that comes out, `tidy.fix_inputs` makes
constants of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Function = Callable[..., dict[str, Any]]


def lift_matrices(
    function: Function, *networks: keras.Model
) -> tuple[Function, dict[str, NDArray[np.float32]]]:
    """Return a function that takes the weights of dense layers as its last arguments, and their values.

    They are nearly all weights that a network has. Those of convolutions stay where they are: ONNX has their
    axes in another order, and a conversion turns constants only.

    Args:
        function: Tensors to a dict of tensors.
        networks: Those that it may run.
    """
    variables = [each for network in networks for each in network.trainable_variables if len(each.shape) == 2]

    def lifted(*given: Any) -> dict[str, Any]:
        own = len(given) - len(variables)
        with keras.StatelessScope(list(zip(variables, given[own:], strict=True))):
            return function(*given[:own])

    return lifted, {f"matrix_{i}": np.asarray(each) for i, each in enumerate(variables)}
