"""The benchmark computes its figures right, and runs; no timing is asserted, the machine being noisy."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from benchmarks import answers, bulk, decoder, overload, workers
from benchmarks.decoder import count_multiply_adds
from benchmarks.figures import Figures, find_median, find_ratios
from benchmarks.load import Load, LoadError, parse, parse_ms, parse_number, run_load
from benchmarks.peers import Peer
from benchmarks.peers.session import decode, open_session
from benchmarks.processes import cpu_s, find_tree, memory_mb
from benchmarks.report import write_report
from benchmarks.rounds import measure_rounds
from benchmarks.servers import TENSOR_ID, Server, ServerError
from tests.reliability.peer import Reply, serve_replies

ROOT = pathlib.Path(__file__).parent.parent

REPORT = """\
Running 5s test @ http://127.0.0.1:8000/decode
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.75ms  310.00us  20.11ms   91.20%
    Req/Sec     9.10k     0.91k   11.20k    70.00%
  Latency Distribution
     50%  310.00us
     75%    1.91ms
     90%    2.20ms
     99%    1.02s
  45678 requests in 5.01s, 12.34MB read
Requests/sec:   9117.37
Transfer/sec:      2.46MB
Wrong answers: 0
"""
ERRORS = """\
  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
Requests/sec:"""


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)


def test_a_report_of_wrk_is_read() -> None:
    assert parse(REPORT) == Load(requests=45678, per_s=9117.37, p50_ms=0.31, p99_ms=1020.0, errors=0)


def test_failed_answers_and_failed_sockets_are_both_errors() -> None:
    assert parse(REPORT.replace("Requests/sec:", ERRORS)).errors == 54321


def test_wrong_answers_are_read_and_must_have_been_counted() -> None:
    assert parse(REPORT.replace("Wrong answers: 0", "Wrong answers: 12")).wrong == 12
    with pytest.raises(LoadError, match="Wrong answers"):
        parse(REPORT.replace("Wrong answers: 0\n", ""))


def test_a_report_without_a_figure_is_refused() -> None:
    with pytest.raises(LoadError, match="99%"):
        parse(REPORT.replace("99%", "98%"))


@pytest.mark.parametrize(
    ("text", "ms"), [("310.00us", 0.31), ("1.75ms", 1.75), ("1.02s", 1020), ("1.50m", 90_000)]
)
def test_times_are_in_milliseconds(text: str, ms: float) -> None:
    assert parse_ms(text) == pytest.approx(ms)


@pytest.mark.parametrize(("text", "number"), [("9117.37", 9117.37), ("12.34k", 12_340), ("1.20M", 1_200_000)])
def test_numbers_may_have_a_suffix(text: str, number: float) -> None:
    assert parse_number(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "-nan", "12.34parsecs"])
def test_an_unknown_unit_is_refused(text: str) -> None:
    with pytest.raises(LoadError, match="expected a number"):
        parse_ms(text)


def make_figures(scale: float, errors: int = 0) -> Figures:
    return Figures(1000 / scale, 2 * scale, 8 * scale, 100 * scale, 50 * scale, errors)


def test_rounds_give_medians_and_the_sum_of_errors() -> None:
    rounds = [make_figures(4, errors=1), make_figures(1), make_figures(2, errors=2)]
    assert find_median(rounds) == make_figures(2, errors=3)


def test_a_ratio_above_one_means_that_ours_is_better() -> None:
    table = {"other": {16: make_figures(4)}, "ours": {16: make_figures(2)}}
    ratios = find_ratios(table, 16)
    assert ratios == {"other": {"per_s": 2, "p50_ms": 2, "cpu_us": 2, "memory_mb": 2}}


def test_without_ours_there_is_nothing_to_compare() -> None:
    assert find_ratios({"other": {16: make_figures(4)}}, 16) == {}
    assert find_ratios({"ours": {1: make_figures(4)}}, 16) == {}


def write(folder: pathlib.Path, failures: dict[str, str]) -> str:
    table = {"asgi": {16: make_figures(2)}, "ours": {16: make_figures(1, errors=7)}}
    versions = {"asgi": "uvicorn 1.2", "ours": "fastapi 3.4"}
    write_report(folder, table, versions, {"rounds": 3, "seconds": 5}, failures)
    return (folder / "results.md").read_text()


def test_the_report_holds_figures_ratios_and_versions(tmp_path: pathlib.Path) -> None:
    lines = write(tmp_path / "new", {}).splitlines()
    assert "| ours | 16 | 1000 | 2 | 8 | 100 | 50 | 7 |" in lines
    assert "| asgi | 2 × | 2 × | 2 × | 2 × |" in lines
    assert any(line.startswith("| asgi | ") and line.endswith(" | uvicorn 1.2 |") for line in lines)
    assert not any("Not measured" in line for line in lines)
    assert (tmp_path / "new" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_names_what_was_not_measured_and_why(tmp_path: pathlib.Path) -> None:
    text = write(tmp_path, {"ray": "expected this, received that\na long log", "flask": "expected more"})
    assert "\nNot measured: ray (expected this, received that).\n" in text
    assert "\nNot measured: flask (expected more).\n" in text
    assert "log" not in text
    reasons = json.loads((tmp_path / "results.json").read_text())["not_measured"]
    assert reasons == {"ray": "expected this, received that", "flask": "expected more"}


@contextlib.contextmanager
def shell(script: str) -> Iterator[tuple[int, int]]:
    """Runs a script, which prints the id of one more process, in a session of its own; gives both ids."""
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            os.killpg(process.pid, 9)


def test_a_tree_holds_the_processes_below_it() -> None:
    with shell("sleep 600 & echo $!; wait") as (parent, child):
        assert set(find_tree(parent)) == {parent, child}
        assert {os.getpid(), parent, child} <= set(find_tree(os.getpid()))
        assert memory_mb(parent) > memory_mb(child) > 0


def test_a_tree_holds_the_orphans_of_its_session() -> None:
    with shell("sleep 600 >/dev/null & echo $!") as (parent, orphan):
        assert orphan in find_tree(parent)


def test_processor_time_counts_that_of_children() -> None:
    with shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done & wait; sleep 600 & echo $!; wait") as (
        parent,
        _,
    ):
        assert cpu_s(parent) >= 0.02


def make_model(
    nodes: list[onnx.NodeProto], shape: list[int], **weights: NDArray[np.floating[Any]]
) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def test_a_dense_layer_multiplies_each_input_with_each_weight_once() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "b", "c"], ["y"]),
    ]
    a, b, c = (np.zeros(shape, np.float32) for shape in ((2, 3), (3, 5), (5,)))
    assert count_multiply_adds(make_model(nodes, [2], a=a, b=b, c=c)) == 2 * 3 + 3 * 5


def test_a_convolution_does_at_each_output_pixel_what_its_kernel_asks() -> None:
    node = helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])
    kernel = np.zeros((5, 2, 3, 3), np.float32)
    assert count_multiply_adds(make_model([node], [2, 4, 4], kernel=kernel)) == (4 * 4 * 5) * (2 * 3 * 3)


def test_weights_kept_in_float16_count_too() -> None:
    nodes = [
        helper.make_node("Cast", ["half"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "whole"], ["y"]),
    ]
    half = np.zeros((2, 3), np.float16)
    assert count_multiply_adds(make_model(nodes, [2], half=half)) == 2 * 3


def make_peer(name: str, *command: str) -> Peer:
    return Peer(name, "for a test", command, "fastapi", None)


def test_a_peer_that_fails_is_left_out_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    missing = make_peer("missing", "no-such-program")
    ending = make_peer("ending", "python", "-c", "import sys; print('the log'); sys.exit(3)")
    table, failures = measure_rounds([missing, ending], 2, [1], 1)
    assert table == {}
    assert failures["missing"] == "expected no-such-program to run, received No such file or directory"
    assert failures["ending"].splitlines()[0].endswith("received exit status 3")
    assert "the log" in failures["ending"]
    assert capsys.readouterr().err.count("benchmarks: ending: ") == 1


def test_without_wrk_it_says_so_in_one_line() -> None:
    done = run(PATH="/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("benchmarks: expected the program wrk")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_an_unknown_peer_is_refused(option: str) -> None:
    done = run(option, "nobody")
    assert done.returncode == 2
    assert f"argument {option}: invalid choice: 'nobody'" in done.stderr


PIXELS = decode(open_session(), [[0.5, -1.0]])
MANY = np.random.default_rng(0).standard_normal((bulk.ROWS, 2)).astype(np.float32)


def write_png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def save(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def say_tensor(pixels: NDArray[np.uint8], name: str) -> bytes:
    tensor = {"name": "image", "shape": list(pixels.shape), "data": pixels.reshape(-1).tolist()}
    return json.dumps({"id": name, "outputs": [tensor]}, separators=(",", ":")).encode()


def ask_at(port: int, answer: Literal["png", "tensor", "empty"] = "png") -> answers.Answer:
    peer = dataclasses.replace(make_peer("fake"), answer=answer)
    return Server(peer, os.getpid(), port).check()


@pytest.mark.parametrize(
    ("kind", "body"),
    [("png", write_png(PIXELS[0])), ("tensor", say_tensor(PIXELS, "a")), ("empty", b"")],
)
def test_a_peer_that_answers_rightly_passes(kind: Literal["png", "tensor", "empty"], body: bytes) -> None:
    with serve_replies(lambda _: Reply(body=body, headers={"connection": "close"})) as port:
        assert ask_at(port, kind).body == body


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("png", write_png(PIXELS[0][:14]), "received \\(1, 14, 28\\)"),
        ("png", write_png(255 - PIXELS[0]), "received others"),
        ("png", write_png(PIXELS[0])[:100], "expected pictures"),
        ("png", b"", "expected pictures"),
        ("tensor", say_tensor(PIXELS[:, :14], "a"), "received \\(1, 14, 28\\)"),
        ("tensor", say_tensor(255 - PIXELS, "a"), "received others"),
        ("empty", b"something", "expected 200 and nothing"),
    ],
)
def test_a_peer_that_answers_short_or_wrongly_is_an_error(
    kind: Literal["png", "tensor", "empty"], body: bytes, reason: str
) -> None:
    with (
        serve_replies(lambda _: Reply(body=body, headers={"connection": "close"})) as port,
        pytest.raises(ServerError, match=reason),
    ):
        ask_at(port, kind)


@pytest.mark.parametrize("query", bulk.ANSWERS.values())
def test_bulk_tells_a_short_answer_from_a_whole_one(query: str) -> None:
    pictures = decode(open_session(), MANY)
    sheet = pictures.reshape(16, 16, 28, 28).swapaxes(1, 2).reshape(448, 448)

    def write(count: int) -> bytes:
        if "png" in query:
            return write_png(sheet[: count // 16 * 28])
        if "json" in query:
            return json.dumps({"images": pictures[:count].tolist()}).encode()
        return save(pictures[:count] if "uint8" in query else pictures[:count].astype(np.float32) / 255)

    for count in (bulk.ROWS, bulk.ROWS // 2):
        body = write(count)
        with serve_replies(lambda _: Reply(body=body, headers={"connection": "close"})) as port:  # noqa: B023
            server = Server(make_peer("fake"), os.getpid(), port)
            if count == bulk.ROWS:
                assert bulk.find_answer(server, query, "{}", MANY).body == body
            else:
                with pytest.raises(answers.AnswerError, match="expected pictures of shape"):
                    bulk.find_answer(server, query, "{}", MANY)


def flood_fake(reply: Callable[[bytes], Reply]) -> list[overload.Answer]:
    async def scene(port: int) -> list[overload.Answer]:
        client = overload.Client(port)
        try:
            await client.learn()
            return [await client.send(time.monotonic()) for _ in range(3)]
        finally:
            client.close()

    with serve_replies(reply) as port:
        return asyncio.run(scene(port))


def test_a_capacity_of_wrong_answers_is_an_error() -> None:
    pictures = decode(open_session(), np.random.default_rng(0).standard_normal((overload.ROWS, 2)))
    turns = itertools.count()

    async def scene(port: int) -> float:
        client = overload.Client(port)
        try:
            await client.learn()
            return await overload.find_capacity(client)
        finally:
            client.close()

    with (
        serve_replies(lambda _: Reply(body=save(pictures[:512] if next(turns) == 5 else pictures))) as port,
        pytest.raises(answers.AnswerError, match="received others"),
    ):
        asyncio.run(scene(port))


def test_overload_counts_no_short_answer_as_a_success() -> None:
    pictures = decode(open_session(), np.random.default_rng(0).standard_normal((overload.ROWS, 2)))
    whole, short = save(pictures), save(pictures[:512])
    assert {answer.status for answer in flood_fake(lambda _: Reply(body=whole))} == {200}
    bodies = iter((whole, short, whole, short))
    found = flood_fake(lambda _: Reply(body=next(bodies)))
    assert [answer.status for answer in found] == [overload.WRONG, 200, overload.WRONG]
    with pytest.raises(answers.AnswerError, match="received \\(512, 28, 28\\)"):
        flood_fake(lambda _: Reply(body=short))


@pytest.mark.slow
def test_wrk_tells_a_short_or_another_answer() -> None:
    whole = write_png(PIXELS[0])
    expected = answers.Answer(200, whole)
    with serve_replies(lambda _: Reply(body=whole)) as port:
        load = run_load(f"http://127.0.0.1:{port}/decode", "{}", expected, 2, 1)
    assert (load.errors, load.wrong) == (0, 0)
    assert load.requests > 0
    for body in (whole[:-30], bytes(len(whole))):
        turns = itertools.count(1)
        with (
            serve_replies(lambda _: Reply(body=whole if next(turns) % 50 else body)) as port,  # noqa: B023
            pytest.raises(LoadError, match=r"times the same answer, received [0-9]+ others"),
        ):
            run_load(f"http://127.0.0.1:{port}/decode", "", expected, 2, 1)


@pytest.mark.slow
def test_wrk_overlooks_what_differs_each_time_and_nothing_else() -> None:
    names = map("{:04}".format, itertools.count())
    expected = answers.Answer(200, say_tensor(PIXELS, "0000"), volatile=TENSOR_ID)
    with serve_replies(lambda _: Reply(body=say_tensor(PIXELS, next(names)))) as port:
        assert run_load(f"http://127.0.0.1:{port}/", "{}", expected, 1, 1).requests > 0
        with pytest.raises(LoadError, match=r"received [0-9]+ others"):
            run_load(f"http://127.0.0.1:{port}/", "{}", dataclasses.replace(expected, volatile=""), 1, 1)


@pytest.mark.slow
def test_the_service_is_measured_without_errors(tmp_path: pathlib.Path) -> None:
    options = ("--only", "ours", "--rounds", "1", "--seconds", "1", "--connections", "1", "4")
    done = run(*options, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.md", "plot.png"}
    assert (tmp_path / "results.md").read_text() == done.stdout
    rows = json.loads((tmp_path / "results.json").read_text())["figures"]["ours"]
    assert set(rows) == {"1", "4"}
    assert all(row["per_s"] > 0 and row["errors"] == 0 for row in rows.values())


@pytest.mark.slow
def test_overload_is_answered_or_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overload, "CLOSED_S", 0.5)
    monkeypatch.setattr(overload, "OPEN_S", 1.0)
    assert overload.main() == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == ["| status", "| ---", "| 200", "| 429"]
    assert all(int(row[1]) > 0 for row in rows[2:])


@pytest.mark.slow
def test_bulk_workers_and_the_decoder_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, name, value in (
        (bulk, "ROUNDS", 1),
        (bulk, "SECONDS", 1),
        (workers, "ROUNDS", 1),
        (workers, "SECONDS", 1),
        (decoder, "SECONDS", 0.05),
        (decoder, "REPEATS", 1),
    ):
        monkeypatch.setattr(module, name, value)
    assert (bulk.main(), workers.main(), decoder.main()) == (0, 0, 0)
    found = capsys.readouterr().out
    for name in ("| bare |", *(f"| {answer} |" for answer in bulk.ANSWERS), "| 1 |", "| 2 |", "| 128 |"):
        assert f"\n{name} " in found
