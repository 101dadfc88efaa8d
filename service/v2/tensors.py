"""Read tensors as the Open Inference Protocol sends them: in JSON, or as bytes after it.

Invariant: each array has the shape of its port, and only finite values in the port's range.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

from service.core.arrays import Floats
from service.core.errors import InvalidValueError, MalformedBodyError, Text, TooLargeError
from service.core.headers import LENGTH_HEADER
from service.core.json.arrays import read_numbers
from service.v2.schemas import InputTensor

LENGTH = re.compile("[0-9]{1,18}")
FP32 = np.dtype("<f4")
SIZE = "binary_data_size"
FEW = 16
# Parameters that would change the meaning of an answer; other unknown ones are ignored.
UNSUPPORTED = ("classification", "shared_memory_region")


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name: The name in the graph.
        shape: The shape of one row; the number of rows comes before it.
        datatype: The type of each value; FP32 for all inputs.
        low: The least value that is accepted.
        high: The greatest value that is accepted.
        implied: Whether a request that names no outputs gets it.
    """

    name: str
    shape: tuple[int, ...]
    datatype: Literal["FP32", "BYTES"] = "FP32"
    low: float = -math.inf
    high: float = math.inf
    implied: bool = True


def check_length(length: str, most: int, expected: str) -> None:
    """Refuse a body whose JSON is declared to be too long.

    Args:
        length: The value of `LENGTH_HEADER`; an invalid one is left to `split_body`.
        most: Bytes that the JSON may have.
        expected: The words of the error.

    Raises:
        TooLargeError: The declared length is greater.
    """
    if LENGTH.fullmatch(length) and int(length) > most:
        raise TooLargeError(LENGTH_HEADER, expected, Text(length))


def split_body(content: bytes, length: str | None) -> tuple[bytes, bytes]:
    """Split a body into its JSON and the bytes of tensors after it.

    Args:
        content: The body, decompressed.
        length: The value of `LENGTH_HEADER`, or None.

    Returns:
        The JSON and the rest. With a length of 0 there is no JSON, and the rest is one tensor.

    Raises:
        MalformedBodyError: The length is not an integer, or greater than the body's.
    """
    if length is None:
        return content, b""
    if not LENGTH.fullmatch(length) or int(length) > len(content):
        raise MalformedBodyError(
            LENGTH_HEADER, f"an integer from 0 to {len(content)}, as the body has", length
        )
    size = int(length)
    return content[:size], content[size:]


def read_raw(content: bytes, ports: Sequence[Port]) -> dict[str, Floats]:
    """Read a body that is one row of the only input.

    Args:
        content: Little-endian FP32.
        ports: The graph's inputs.

    Returns:
        The array by its name, `(1, *shape)` float32.

    Raises:
        MalformedBodyError: The graph has several inputs, or the body is not one row.
        InvalidValueError: A value is out of range.
    """
    if len(ports) > 1:
        names = " and ".join(port.name for port in ports)
        received = Text("a tensor without JSON")
        raise MalformedBodyError(LENGTH_HEADER, f"the length of a JSON that names {names}", received)
    (port,) = ports
    size = math.prod(port.shape) * FP32.itemsize
    if len(content) != size:
        raise MalformedBodyError("body", f"{size} bytes, one row of {port.name}", Text(str(len(content))))
    array = np.frombuffer(content, FP32).reshape(1, *port.shape)
    _check_values("body", array, port)
    return {port.name: array.astype(np.float32)}


def read_inputs(
    inputs: Sequence[InputTensor], binary: bytes | None, ports: Sequence[Port]
) -> dict[str, Floats]:
    """Read the inputs of a request.

    Args:
        inputs: The inputs in its JSON.
        binary: The bytes after the JSON, or None if no header says where the JSON ends.
        ports: The graph's inputs.

    Returns:
        Arrays by name, each `(rows, *shape)` float32, all with the same number of rows, at least one.

    Raises:
        InvalidValueError: Not the inputs of the graph, or a value is out of range.
        MalformedBodyError: The bytes after the JSON are not as many as it announces.
    """
    matched = _match(inputs, ports)
    pairs = list(zip(inputs, matched, strict=True))
    sizes = [_check_tensor(f"inputs[{i}]", *pair) for i, pair in enumerate(pairs)]
    _check_length(sizes, binary)
    arrays: dict[str, Floats] = {}
    start = 0
    for i, (size, (tensor, port)) in enumerate(zip(sizes, pairs, strict=True)):
        if size is None:
            field = f"inputs[{i}].data"
            array: NDArray[Any] = _read_data(field, tensor)
        else:
            field = f"inputs[{i}]"
            array = np.frombuffer(binary or b"", FP32, size // FP32.itemsize, start).reshape(tensor.shape)
            start += size
        _check_values(field, array, port)
        arrays[port.name] = array.astype(np.float32)
    return arrays


def refuse_unsupported(field: str, parameters: Mapping[str, Any] | None) -> None:
    """Raise `InvalidValueError` for parameters of a tensor that would change the meaning of an answer."""
    for name in UNSUPPORTED:
        if name in (parameters or {}):
            raise InvalidValueError(f"{field}.parameters", f"no {name}, which is not offered", Text("one"))


def _match(inputs: Sequence[InputTensor], ports: Sequence[Port]) -> list[Port]:
    by_name = {port.name: port for port in ports}
    names = [tensor.name for tensor in inputs]
    if sorted(names) != sorted(by_name):
        expected = " and ".join(by_name) + (", each once" if len(by_name) > 1 else ", once")
        raise InvalidValueError("inputs", expected, Text(", ".join(map(repr, names)) or "none"))
    rows = {tensor.name: (tensor.shape or [0])[0] for tensor in inputs}
    if len(set(rows.values())) > 1:
        raise InvalidValueError("inputs", "as many rows of each", Text(str(rows)))
    return [by_name[name] for name in names]


def _check_length(sizes: Sequence[int | None], binary: bytes | None) -> None:
    if binary is None and any(size is not None for size in sizes):
        expected = f"the length of the JSON, since an input has {SIZE}"
        raise MalformedBodyError(LENGTH_HEADER, expected, Text("no such header"))
    total = sum(size or 0 for size in sizes)
    if binary is not None and len(binary) != total:
        raise MalformedBodyError("body", f"{total} bytes behind the JSON", Text(str(len(binary))))


def _check_tensor(field: str, tensor: InputTensor, port: Port) -> int | None:
    if tensor.datatype != port.datatype:
        expected = f"{port.datatype}, as {port.name} has"
        raise InvalidValueError(f"{field}.datatype", expected, Text(tensor.datatype))
    rows, *row = tensor.shape or [0]
    if not rows or tuple(row) != port.shape:
        expected = f"{[-1, *port.shape]}, with at least one row"
        raise InvalidValueError(f"{field}.shape", expected, Text(str(tensor.shape)))
    refuse_unsupported(field, tensor.parameters)
    size = (tensor.parameters or {}).get(SIZE)
    if size is None:
        return None
    if type(size) is not int or size != math.prod(tensor.shape) * FP32.itemsize:
        expected = f"{math.prod(tensor.shape) * FP32.itemsize}, for shape {tensor.shape} of {port.datatype}"
        raise InvalidValueError(f"{field}.parameters.{SIZE}", expected, size)
    if tensor.data is not None:
        raise InvalidValueError(f"{field}.data", f"none beside {SIZE}", Text("both"))
    return size


def _read_data(field: str, tensor: InputTensor) -> NDArray[np.float64]:
    if tensor.data is None:
        raise InvalidValueError(
            field, "a list of numbers, or binary_data_size in parameters", Text("nothing")
        )
    try:
        array = read_numbers(tensor.data, (1, len(tensor.shape)))
    except PydanticCustomError as error:
        fault: Any = error.context
        raise InvalidValueError(field + fault["at"], fault["expected"], Text(fault["received"])) from error
    if array.ndim == 1 and array.size != math.prod(tensor.shape):
        expected = f"{math.prod(tensor.shape)} numbers, for shape {tensor.shape}"
        raise InvalidValueError(field, expected, Text(str(array.size)))
    if array.ndim > 1 and array.shape != tuple(tensor.shape):
        received = Text(f"an array of shape {list(array.shape)}")
        raise InvalidValueError(field, f"numbers in shape {tensor.shape}", received)
    return array.reshape(tensor.shape)


def _check_values(field: str, array: NDArray[Any], port: Port) -> None:
    low, high = port.low, port.high
    # Written so that NaN fails too. Of a few numbers, Python's own way takes a fifth of the time.
    if array.size <= FEW:
        if all(low <= value <= high for value in array.ravel().tolist()):
            return
    elif array.min() >= low and array.max() <= high:
        return
    wrong = ~((array >= port.low) & (array <= port.high))
    where = np.argwhere(wrong)[0]
    name = field + "".join(f"[{i}]" for i in where)
    raise InvalidValueError(name, f"a number in [{port.low:g}, {port.high:g}]", float(array[tuple(where)]))
