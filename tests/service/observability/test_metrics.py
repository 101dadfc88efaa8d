from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import time
from typing import Any

import pytest

from service.observability import families
from service.observability.metrics import BEGUN, CALL, ROUTE, Metrics, MetricsMiddleware
from service.observability.worker_files import SHARED_FOLDER, share_folder


async def refuse(*_: Any) -> Any:
    raise AssertionError("nobody reads here")


def measure(app: Any, **scope: Any) -> tuple[str, float]:
    """The status and seconds of one request, as they are counted."""
    metrics = Metrics()

    async def send(_: Any) -> None:
        pass

    asyncio.run(MetricsMiddleware(app, metrics)({"type": "http", ROUTE: "/", **scope}, refuse, send))
    (line,) = (line for line in metrics.render()[0].decode().splitlines() if "_sum{" in line)
    return line.split('status="')[1].split('"')[0], float(line.split()[1])


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204})


def test_an_answer_takes_from_its_requests_head_to_its_end() -> None:
    async def slow(*arguments: Any) -> None:
        await answer(*arguments)
        await asyncio.sleep(0.03)

    status, seconds = measure(slow)
    assert status == "204"
    assert 0.03 <= seconds < 5


def test_a_head_that_came_before_is_where_it_begins() -> None:
    # As the protocol notes it, for a request whose body came later.
    _, seconds = measure(answer, **{BEGUN: time.perf_counter() - 100})
    assert seconds == pytest.approx(100, abs=5)


def test_a_failure_is_counted_too() -> None:
    metrics = Metrics()

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(MetricsMiddleware(fail, metrics)({"type": "http", ROUTE: "/"}, refuse, refuse))
    assert b'_count{route="/",status="500"} 1.0' in metrics.render()[0]


def test_what_is_no_request_is_not_counted() -> None:
    metrics = Metrics()
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(MetricsMiddleware(app, metrics)({"type": "lifespan"}, refuse, refuse))
    assert seen == ["lifespan"]
    assert b"_count{" not in metrics.render()[0]


@dataclasses.dataclass
class Times:
    queue_s: float = 0.0
    inference_s: float = 0.0
    encode_s: float = 0.0


@pytest.mark.parametrize("media_type", ["application/openmetrics-text", "text/plain"])
@pytest.mark.parametrize(
    "version",
    ["NaN", ".0.0", "", "1..0", '"1.0.0"', "1.0.0é", "\u0663", "9" * 5000, "1.0.0.0", "1 0", "v1", "="],
)
def test_a_version_that_is_none_is_passed_over(media_type: str, version: str) -> None:
    metrics = Metrics()
    accept = f"{media_type}; version={version};q=0.9"
    assert metrics.render(accept)[1] == metrics.render("")[1]
    after = f"{accept}, application/openmetrics-text;version=1.0.0"
    assert metrics.render(after)[1].startswith("application/openmetrics-text; version=1.0.0; ")


def text(metrics: Metrics, accept: str = "") -> str:
    return metrics.render(accept)[0].decode()


def value(metrics: Metrics, sample: str) -> float:
    """The number behind a name and its labels."""
    (line,) = (line for line in text(metrics).splitlines() if line.startswith(f"{sample} "))
    return float(line.split()[-1])


def test_where_the_time_went_is_counted_where_a_model_ran() -> None:
    metrics = Metrics()
    for call in (Times(0.003, 0.02, 0.0001), Times(), None):
        metrics.observe({BEGUN: time.perf_counter(), ROUTE: "/x", CALL: call}, 200)
    for family, bound, below in (
        ("queue_wait", "0.005", 1),
        ("inference", "0.01", 0),
        ("encoding", "0.0001", 1),
    ):
        assert value(metrics, f'cvae_{family}_seconds_count{{route="/x"}}') == 1
        assert value(metrics, f'cvae_{family}_seconds_bucket{{le="{bound}",route="/x"}}') == below
    assert value(metrics, 'cvae_inference_seconds_sum{route="/x"}') == pytest.approx(0.02)
    assert value(metrics, 'cvae_request_duration_seconds_count{route="/x",status="200"}') == 3


def test_answers_304_and_clients_that_went_have_counters() -> None:
    metrics = Metrics()
    for status in (304, 304, 499, 200):
        metrics.observe({BEGUN: time.perf_counter(), ROUTE: f"/{status}"}, status)
    assert value(metrics, "cvae_not_modified_total") == 2
    assert value(metrics, "cvae_disconnects_total") == 1


def test_openmetrics_comes_to_those_who_ask_for_it() -> None:
    metrics = Metrics()
    metrics.sample()
    content, media_type = metrics.render("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    assert content.endswith(b"# EOF\n")
    assert b"# TYPE process_cpu_seconds counter" in content
    content, media_type = metrics.render("text/html, */*")
    assert media_type.startswith("text/plain; version=")
    assert b"# TYPE process_cpu_seconds_total counter" in content


def test_the_process_is_measured() -> None:
    metrics = Metrics()
    metrics.sample()
    before = value(metrics, "process_cpu_seconds_total")
    while time.process_time() < before + 0.05:
        pass
    metrics.sample()
    assert value(metrics, "process_cpu_seconds_total") == pytest.approx(time.process_time(), abs=0.05)
    assert 10e6 < value(metrics, "process_resident_memory_bytes") < 10e9
    assert value(metrics, "process_start_time_seconds") == pytest.approx(time.time(), abs=60)


WORKER = """
import sys
from service.observability import families
from service.observability.metrics import BEGUN, ROUTE, Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.observe({BEGUN: 0.0, ROUTE: "/x"}, 200)
metrics.number(families.CONNECTIONS).set(7)
metrics.number(families.BUILD, "old", "x", "y").set(1)
print("counted", flush=True)
sys.stdin.read()
"""


def start_worker(requests: int) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WORKER, str(requests)]
    worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "counted\n"
    return worker


def test_all_workers_count_together_and_gauges_end_with_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_FOLDER, "kept")  # so that it is put back
    monkeypatch.delenv(SHARED_FOLDER)
    count = 'cvae_request_duration_seconds_count{route="/x",status="200"}'
    with share_folder(2):
        metrics = Metrics()
        metrics.observe({BEGUN: time.perf_counter(), ROUTE: "/x"}, 200)
        metrics.number(families.CONNECTIONS).set(1)
        worker = start_worker(3)
        assert value(metrics, count) == 4
        assert value(metrics, "cvae_connections") == 8
        assert 'version="old"' in text(metrics)
        worker.communicate()
        assert value(metrics, count) == 4
        assert value(metrics, "cvae_connections") == 1
        assert 'version="old"' not in text(metrics)
        # Another worker takes over the file of the one that has ended, and its counts.
        following = start_worker(5)
        assert value(metrics, count) == 9
        assert value(metrics, "cvae_connections") == 8
        following.communicate()
