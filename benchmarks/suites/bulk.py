"""Measure requests of many vectors against a loop of `session.run`, in turn.

Start it by `python -m benchmarks.suites.bulk`.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.harness.answers import Answer, ask, check_pictures
from benchmarks.harness.load import run_load
from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.servers import Server, serve
from benchmarks.peers import OURS
from benchmarks.peers.session import decode, open_session

ROWS, CONNECTIONS, ROUNDS, SECONDS = 256, 4, 5, 3
ANSWERS = {
    "npy, float32": "format=npy",
    "npy, uint8": "format=npy&dtype=uint8",
    "PNG, one sheet": "format=png",
    "JSON, uint8": "format=json&dtype=uint8",
    "JSON, float32": "format=json",
}


def main() -> int:
    """Measure and print a table.

    Returns:
        The exit status, 0.

    Raises:
        ServerError: The service does not start, or an answer is not the first one again.
        AnswerError: It answers with other pictures, or fewer.
    """
    session = open_session()
    vectors = np.random.default_rng(0).standard_normal((ROWS, 2)).astype(np.float32)
    body = json.dumps({"z": vectors.tolist()})
    rates: dict[str, list[float]] = {name: [] for name in ("bare", *ANSWERS)}
    with serve(OURS) as server:
        expected = {name: find_answer(server, query, body, vectors) for name, query in ANSWERS.items()}
        for _ in range(ROUNDS):
            rates["bare"].append(measure_bare(session, vectors))
            for name, query in ANSWERS.items():
                rates[name].append(measure(server, query, body, expected[name]))
    medians = {name: statistics.median(each) for name, each in rates.items()}
    text = f"{CONNECTIONS} connections, one worker, medians of {ROUNDS} rounds in turn."
    rows = [(name, f"{rate:,.0f}", f"{rate / medians['bare']:.0%}") for name, rate in medians.items()]
    sys.stdout.write(describe(f"{ROWS} vectors a request", text) + "\n")
    sys.stdout.write(tabulate(("answer", "images/s", "share of a bare loop"), rows))
    return 0


def measure_bare(session: onnxruntime.InferenceSession, vectors: NDArray[np.float32]) -> float:
    """Return the images a second of a loop: the mean, as for the service, and not the best."""
    count, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < SECONDS:
        session.run(None, {"z": vectors})
        count += 1
    return count * ROWS / seconds


def find_answer(server: Server, query: str, body: str, vectors: NDArray[np.float32]) -> Answer:
    """Ask for one kind of answer at rest, and hold it against a loop's pictures.

    Args:
        server: Of the service.
        query: That asks for the kind.
        body: JSON of the vectors.
        vectors: `(ROWS, 2)`.

    Returns:
        The answer, which all others must be the same as.

    Raises:
        AnswerError: It is another number of pictures, or others.
    """
    pictures, side = decode(open_session(), vectors), math.isqrt(len(vectors))
    if "format=png" in query:
        # Sixteen by sixteen, row by row.
        sheet = pictures.reshape(side, side, *pictures.shape[1:]).swapaxes(1, 2)
        pictures = sheet.reshape(1, side * pictures.shape[1], -1)
    answer = ask(f"{server.url}?{query}", body)
    check_pictures(answer, pictures)
    return answer


def measure(server: Server, query: str, body: str, expected: Answer) -> float:
    """Return the images a second of one kind of answer.

    Args:
        server: Of the service.
        query: That asks for the kind.
        body: JSON of `ROWS` vectors.
        expected: From `find_answer`.

    Raises:
        ValueError: A request failed.
        LoadError: An answer was wrong.
    """
    load = run_load(f"{server.url}?{query}", body, expected, CONNECTIONS, SECONDS)
    if load.errors:
        raise ValueError(f"{query}: expected no errors, received {load.errors}")
    return load.per_s * ROWS


if __name__ == "__main__":
    sys.exit(main())
