from __future__ import annotations

from service.calls import Call


def test_times_are_in_milliseconds() -> None:
    call = Call(queue_s=0.0012345, inference_s=0.5, encode_s=0.0)
    assert call.timing() == "queue;dur=1.234, inference;dur=500.000, encode;dur=0.000"
