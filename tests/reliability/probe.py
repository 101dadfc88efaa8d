"""Owns the measure of the event loop's longest pause, as a client sees it, and of memory and handles.

A connection of its own is asked for health every few milliseconds; what an answer takes beyond the usual is
how long the loop did something else. The probe is a thread with a blocking socket: it has little of its own
to wait for. Where the machine is short of cores, their wait counts too: the figure is an upper bound.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import NamedTuple

from tests.reliability.serving import Service

REQUEST = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
END = b'{"status":"live"}'
EVERY_S = 0.005
PATIENCE_S = 120.0
# Of the probe's thread, against those of this process that wait for its load.
NICE = -10
SAMPLE_EVERY_S = 1.0


class Latencies(NamedTuple):
    """What a probe has measured, in milliseconds; 0 where it has measured nothing."""

    measured: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    longest_ms: float = 0.0


class Probe:
    """Asks for health, over and over, in a thread.

    Attributes:
        latencies: In seconds, with the times on the monotonic clock at which they began.
        failures: Connections that broke under it.
    """

    def __init__(self, port: int) -> None:
        """Store where to ask."""
        self.latencies: list[tuple[float, float]] = []
        self.failures: list[str] = []
        self._port = port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Probe:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join(PATIENCE_S)

    def summarise(self, since: float = 0.0) -> Latencies:
        """Return what was measured from a time on."""
        found = sorted(latency for begun, latency in self.latencies if begun >= since)
        if not found:
            return Latencies()
        n = len(found)
        ms = [found[n // 2] * 1e3, found[min(n - 1, n * 99 // 100)] * 1e3, found[-1] * 1e3]
        return Latencies(n, *ms)

    def _run(self) -> None:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, NICE)  # on Linux, of this thread alone
        while not self._stopping.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as handle:
                    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._ask(handle)
            except OSError as error:
                if not self._stopping.is_set():
                    self.failures.append(repr(error))
                    time.sleep(0.05)

    def _ask(self, handle: socket.socket) -> None:
        while not self._stopping.wait(EVERY_S):
            begun, received = time.monotonic(), b""
            handle.sendall(REQUEST)
            while not received.endswith(END):
                if not (data := handle.recv(4096)):
                    raise ConnectionResetError("the service closed the probe's connection")
                received += data
            self.latencies.append((begun, time.monotonic() - begun))
            if b"connection: close" in received.lower():
                return


class Sample(NamedTuple):
    """Memory and handles of all the service's processes at a time on the monotonic clock."""

    at: float
    memory_mb: float
    handles: int


class Sampler:
    """Looks at a service's memory and handles once a second, in a thread.

    Attributes:
        samples: In the order of time.
    """

    def __init__(self, service: Service) -> None:
        """Store whose."""
        self.samples: list[Sample] = []
        self._service = service
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def mean_mb(self, begin: float, end: float) -> float:
        """Return the mean memory between two times; 0 if nothing was sampled."""
        found = [sample.memory_mb for sample in self.samples if begin <= sample.at <= end]
        return sum(found) / len(found) if found else 0.0

    def peak_mb(self) -> float:
        """Return the most memory that was seen."""
        return max((sample.memory_mb for sample in self.samples), default=0.0)

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_EVERY_S):
            if self._service.is_alive():
                sample = Sample(time.monotonic(), self._service.memory_mb(), self._service.count_handles())
                self.samples.append(sample)
