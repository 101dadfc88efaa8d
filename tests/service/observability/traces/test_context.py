from __future__ import annotations

from typing import Any

import pytest

from service.observability.traces.context import (
    ALL,
    Sampler,
    Trace,
    find_parent,
    list_ids,
    read_traceparent,
)

TRACE_ID, SPAN_ID = b"0af7651916cd43dd8448eb211c80319c", b"b7ad6b7169203331"
VALID = b"00-" + TRACE_ID + b"-" + SPAN_ID + b"-01"
PARENT, UNSAMPLED = VALID, VALID[:-1] + b"0"


def test_the_parent_of_the_standards_example_is_read() -> None:
    assert read_traceparent(VALID) == PARENT
    assert read_traceparent(UNSAMPLED) == UNSAMPLED


def test_a_later_version_may_say_more() -> None:
    assert read_traceparent(b"cc" + VALID[2:] + b"-what-else") == PARENT
    assert read_traceparent(b"cc" + VALID[2:]) == PARENT


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00",
        VALID[:-1],
        VALID + b"-more",
        b"ff" + VALID[2:],
        VALID.upper(),
        VALID.replace(TRACE_ID, b"0" * 32),
        VALID.replace(SPAN_ID, b"0" * 16),
        VALID.replace(b"-", b"_"),
        VALID.replace(b"-0af", b"0-af"),
        VALID.replace(b"-01", b"0-1"),
        VALID.replace(b"c-", b"-c"),
        b"00-" + VALID[4:] + b"0",
        b" " + VALID,
        VALID + b"\n",
        VALID.replace(b"c", b"g"),
        b"0" * 60_000,
    ],
)
def test_what_is_no_traceparent_is_ignored(value: bytes) -> None:
    assert read_traceparent(value) is None


def test_two_parents_are_none() -> None:
    field = (b"traceparent", VALID)
    assert find_parent([(b"host", b"a"), field]) == PARENT
    assert find_parent([field, field]) is find_parent([]) is None


def test_a_trace_that_begins_here_has_new_ids_and_no_parent() -> None:
    traces = [Sampler().begin(None) for _ in range(100)]
    found = [trace for trace in traces if trace is not None]
    assert len({trace[0] for trace in found}) == len({trace[1] for trace in found}) == 100
    assert {(len(trace[0]), len(trace[1]), trace[2]) for trace in found} == {(16, 8, b"")}


def test_a_span_of_a_clients_trace_has_its_id_and_parent() -> None:
    trace = Sampler(0).begin(PARENT)
    assert trace is not None
    assert (trace[0].hex(), trace[2].hex()) == (TRACE_ID.decode(), SPAN_ID.decode())
    assert trace[1] != trace[2]


@pytest.mark.parametrize(
    ("sampler", "parent", "recorded"),
    [
        (Sampler(ALL), None, True),
        (Sampler(0), None, False),
        (Sampler(0), PARENT, True),
        (Sampler(0), PARENT[:-2] + b"ff", True),
        (Sampler(ALL), PARENT[:-2] + b"fe", False),
        (Sampler(ALL), UNSAMPLED, False),
        (Sampler(0, heeds_parents=False), PARENT, False),
        (Sampler(ALL, heeds_parents=False), UNSAMPLED, True),
        # By the lower half of the id, as every other service on the way decides.
        (Sampler(0x8448EB211C80319C, heeds_parents=False), PARENT, False),
        (Sampler(0x8448EB211C80319D, heeds_parents=False), PARENT, True),
    ],
)
def test_the_client_decides_if_it_is_heeded_and_else_the_bound(
    sampler: Sampler, parent: bytes | None, recorded: bool
) -> None:
    assert (sampler.begin(parent) is not None) == recorded


def test_a_share_of_the_traces_that_begin_here_is_recorded() -> None:
    sampler = Sampler(ALL // 4)
    found = [trace for trace in (sampler.begin(None) for _ in range(4000)) if trace is not None]
    assert len(found) == pytest.approx(1000, abs=150)
    # Whoever looks at the ids decides the same.
    assert all(int.from_bytes(trace[0][8:]) < ALL // 4 for trace in found)


class Tracer:
    def begin(self, _: Any) -> Trace:
        return b"t" * 16, b"s" * 8, b""


class App:
    class state:  # noqa: N801
        tracer = Tracer()


def test_the_log_knows_a_requests_trace_also_if_it_is_not_recorded() -> None:
    scope: dict[str, Any] = {"headers": [(b"traceparent", VALID)], "state": {"request_id": "one"}}
    assert list_ids(scope) == {"request_id": "one", "trace_id": TRACE_ID.decode()}
    assert list_ids({"headers": []}) == {"request_id": None, "trace_id": None}
    recorded = list_ids({**scope, "app": App()})
    assert recorded == {"request_id": "one", "trace_id": "74" * 16, "span_id": "73" * 8}
