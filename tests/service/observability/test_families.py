from __future__ import annotations

from collections.abc import Sequence

import pytest

from service.core.tally import ROWS, SECONDS
from service.observability import families
from service.observability.families import FAMILIES, KNOWN, Count, merge, name_key, write_families

Numbers = dict[str, Sequence[float]]


def duration(route: str, status: str, counts: dict[int, float], total: float) -> tuple[str, list[float]]:
    values = [0.0] * families.DURATION.size
    for place, count in counts.items():
        values[place] = count
    values[-1] = total
    return name_key(families.DURATION, [route, status]), values


def samples(numbers: Numbers) -> dict[tuple[str, ...], float]:
    """Of all metrics, each number by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in write_families(numbers)
        for sample in metric.samples
    }


def test_a_histogram_has_a_number_a_range_one_beyond_and_the_sum() -> None:
    assert families.DURATION.size == len(SECONDS) + 2
    assert families.BATCH_ROWS.size == len(ROWS) + 2
    assert families.CACHE.size == families.WAITING.size == families.BUILD.size == 1


def test_buckets_hold_all_that_are_shorter() -> None:
    key, values = duration("/x", "200", {0: 3, 3: 2, len(SECONDS): 1}, 9.5)
    found = samples({key: values})
    name = "cvae_request_duration_seconds"
    assert found[name + "_sum", "/x", "200"] == 9.5
    assert found[name + "_count", "/x", "200"] == 6
    buckets = {labels[-1]: value for labels, value in found.items() if labels[0] == name + "_bucket"}
    expected = [3, 3, 3, *[5] * (len(SECONDS) - 3), 6]
    assert buckets == dict(zip([*map(str, map(float, SECONDS)), "+Inf"], expected, strict=True))


def test_answers_304_and_499_are_counted_of_all_routes() -> None:
    numbers: Numbers = dict(
        (
            duration("/x", "304", {1: 2, 5: 1}, 50),
            duration("/y", "304", {0: 4}, 50),
            duration("/y", "499", {len(SECONDS): 5}, 50),
            duration("/y", "200", {2: 8}, 50),
        )
    )
    found = samples(numbers)
    assert found["cvae_not_modified_total",] == 7
    assert found["cvae_disconnects_total",] == 5
    assert samples({})["cvae_not_modified_total",] == 0


def test_rows_are_the_sum_of_those_of_batches() -> None:
    values = [0.0] * families.BATCH_ROWS.size
    values[2], values[-1] = 3, 11
    found = samples({name_key(families.BATCH_ROWS, ["m", "decoder"]): values})
    assert found["cvae_rows_total", "m", "decoder"] == 11
    assert "cvae_rows_total" not in {name for name, *_ in samples({})}


def test_where_no_model_ran_and_what_is_not_set_any_more_is_left_out() -> None:
    queue = [0.0] * families.QUEUE.size
    numbers: Numbers = {
        name_key(families.QUEUE, ["/x"]): queue,
        name_key(families.QUEUE, ["/y"]): [1.0, *queue[1:]],
        name_key(families.BUILD, ["1", "3", "1"]): [0.0],
        name_key(families.BUILD, ["2", "3", "1"]): [1.0],
        name_key(families.WAITING_ROWS, ["m", "decoder"]): [0.0],
        name_key(families.CACHE, ["hit"]): [0.0],
    }
    found = samples(numbers)
    assert ("cvae_queue_wait_seconds_count", "/x") not in found
    assert found["cvae_queue_wait_seconds_count", "/y"] == 1
    assert [labels for labels in found if labels[0] == "cvae_build_info"] == [
        ("cvae_build_info", "2", "3", "1")
    ]
    assert found["cvae_waiting_rows", "m", "decoder"] == 0
    assert found["cvae_picture_cache_requests_total", "hit"] == 0


@pytest.mark.parametrize(
    ("family", "first", "second", "together"),
    [
        (families.CACHE, 3, 4, 7), (families.WAITING, 3, 4, 7), (families.START, 3, 4, 3),
        (families.START, 0, 4, 4), (families.START, 4, 0, 4), (families.START, 0, 0, 0),
        (families.LAST_MS, 3, 4, 4), (families.LAST_MS, 4, 3, 4), (families.STATISTICS, 3, 4, 7),
    ],
)  # fmt: skip
def test_numbers_of_workers_are_put_together(
    family: families.Family, first: float, second: float, together: float
) -> None:
    key, other = name_key(family, ["a", "b"]), name_key(families.DEATHS, [])
    found = merge([[(key, [first]), (other, [1.0])], [(key, [second])], []])
    assert found == {key: [together], other: [1.0]}


def test_all_numbers_of_a_histogram_are_added() -> None:
    key, values = duration("/x", "200", {0: 1, 4: 2}, 3)
    assert merge([[(key, values)], [(key, values)]]) == {key: [2 * value for value in values]}


def test_what_is_lost_with_its_process_is_known() -> None:
    for name, family in KNOWN.items():
        kept = family.kind in ("counter", "histogram", "latest")
        assert families.is_gauge(name_key(family, ["a"])) != kept, name
    assert families.is_gauge('["cvae_unknown"]')
    assert set(KNOWN) - set(FAMILIES) == {"cvae_statistics", "cvae_last_inference_ms"}


def test_a_number_is_added_to_and_set() -> None:
    cells = [1.0, 2.0, 3.0]
    count = Count(cells, 1)
    count.add()
    count.add(2.5)
    assert (cells, count.read()) == ([1.0, 5.5, 3.0], 5.5)
    count.set(4.0)
    assert cells == [1.0, 4.0, 3.0]
