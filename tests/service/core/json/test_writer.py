from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from service.core.json import writer
from service.core.json.writer import PIECE_NUMBERS, dump, split

RANDOM = np.random.RandomState(0)
ARRAYS: dict[str, Any] = {
    "pictures": RANDOM.rand(100, 28, 28).astype(np.float32),
    "levels": RANDOM.randint(0, 256, (100, 28, 28), np.uint8),
    "labels": RANDOM.randint(0, 10, 3 * PIECE_NUMBERS + 1),
    "one that does not lie as it is written": RANDOM.rand(28, 28, 100).T,
    "rows longer than a piece": RANDOM.rand(3, PIECE_NUMBERS + 1),
    "one more than a piece": RANDOM.rand(PIECE_NUMBERS + 1),
    "a piece": RANDOM.rand(PIECE_NUMBERS),
    "none": np.zeros((0, 2)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_in_pieces_has_the_same_bytes(name: str) -> None:
    array = ARRAYS[name]
    whole = orjson.dumps(
        {"a": array.tolist() if array.dtype != np.float32 else np.ascontiguousarray(array)},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
    assert dump({"a": split(array)}) == whole


def test_no_more_than_a_piece_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def note(array: Any) -> bytes:
        sizes.append(array.size)
        return dump(array)

    monkeypatch.setattr(writer, "dump", note)
    split(ARRAYS["pictures"])
    assert sum(sizes) == ARRAYS["pictures"].size
    assert max(sizes) <= PIECE_NUMBERS


def test_what_is_no_json_is_refused() -> None:
    assert split("text") == "text"
    with pytest.raises(TypeError, match="not JSON serializable"):
        dump({"a": object()})
