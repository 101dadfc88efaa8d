"""Choose the outputs that a request asks for, and write them as the Open Inference Protocol sends them."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.arrays import Floats
from service.core.errors import InvalidValueError
from service.core.json.writer import dump, split
from service.v2.schemas import InferRequest
from service.v2.tensors import FP32, SIZE, Port, refuse_unsupported

Result = Floats | Sequence[bytes]

BINARY, ALL_BINARY = "binary_data", "binary_data_output"


@dataclasses.dataclass(frozen=True)
class AskedOutput:
    """An output to answer with, and whether its bytes follow the JSON."""

    port: Port
    binary: bool


def choose_outputs(message: InferRequest | None, ports: Sequence[Port]) -> list[AskedOutput]:
    """Return the outputs that a request asks for.

    Args:
        message: The request; None if it is a tensor without JSON, whose answer has bytes too.
        ports: The graph's outputs.

    Returns:
        In the order of the request; the implied ones if it names none.

    Raises:
        InvalidValueError: The graph has no such output, or a parameter is invalid.
    """
    if message is None:
        return [AskedOutput(port, binary=True) for port in ports if port.implied]
    default = _flag("parameters", message.parameters, ALL_BINARY, default=False)
    if not message.outputs:
        return [AskedOutput(port, default) for port in ports if port.implied]
    by_name = {port.name: port for port in ports}
    wanted: dict[str, AskedOutput] = {}
    for i, output in enumerate(message.outputs):
        field = f"outputs[{i}]"
        if output.name not in by_name or output.name in wanted:
            raise InvalidValueError(f"{field}.name", f"one of {', '.join(by_name)}, each once", output.name)
        refuse_unsupported(field, output.parameters)
        binary = _flag(f"{field}.parameters", output.parameters, BINARY, default)
        wanted[output.name] = AskedOutput(by_name[output.name], binary)
    return list(wanted.values())


def write_answer(
    extra: Mapping[str, str], wanted: Sequence[AskedOutput], results: Mapping[str, Result]
) -> tuple[bytes, int | None]:
    """Write an answer.

    Args:
        extra: The fields before the outputs.
        wanted: The outputs to write.
        results: By name, float32 arrays or, for BYTES, sequences of bytes.

    Returns:
        The body, and the length of its JSON if tensors follow it.
    """
    outputs: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for output in wanted:
        port, result = output.port, results[output.port.name]
        shape = [len(result), *port.shape]
        outputs.append({"name": port.name, "datatype": port.datatype, "shape": shape})
        if output.binary:
            parts.append(_to_bytes(result))
            outputs[-1]["parameters"] = {SIZE: len(parts[-1])}
        elif isinstance(result, np.ndarray):
            outputs[-1]["data"] = split(np.ascontiguousarray(result).reshape(-1))
        else:
            # JSON has no bytes. No `parameters` say that this is base64: to Triton's clients in C++ they
            # would mean that bytes follow the JSON.
            outputs[-1]["data"] = [base64.b64encode(element).decode() for element in result]
    head = dump({**extra, "outputs": outputs})
    return b"".join((head, *parts)), len(head) if parts else None


def _to_bytes(result: Result) -> bytes:
    if isinstance(result, np.ndarray):
        return result.astype(FP32, copy=False).tobytes()
    return b"".join(len(element).to_bytes(4, "little") + element for element in result)


def _flag(field: str, parameters: dict[str, Any] | None, name: str, default: bool) -> bool:
    value = (parameters or {}).get(name, default)
    if type(value) is not bool:
        raise InvalidValueError(f"{field}.{name}", "true or false", value)
    return value
