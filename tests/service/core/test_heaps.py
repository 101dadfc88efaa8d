"""What the C library keeps, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_what_is_freed_is_given_back_by_and_by() -> None:
    code = """
import threading, time
from service.core.heaps import begin_giving_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 // 2**20

def hold(done):
    # Small pieces, and one that stays: the C library keeps what lies below it.
    pieces = [bytes(1000) for _ in range(100_000)]
    kept.append(bytes(1000))
    del pieces

kept = []
thread = threading.Thread(target=hold, args=[None])
thread.start(); thread.join()
before = resident()
begin_giving_back(0.05)
end = time.monotonic() + 30
while before - resident() <= 50 and time.monotonic() < end:
    time.sleep(0.05)
print(before - resident())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50


@pytest.mark.parametrize(("environment", "heaps"), [({}, 2), ({"MALLOC_ARENA_MAX": "3"}, 3)])
def test_threads_share_heaps(environment: dict[str, str], heaps: int) -> None:
    code = """
import ctypes, threading
from service.core.heaps import share_heaps

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
share_heaps()
together = threading.Barrier(9)

def hold():
    libc.malloc(1000)
    together.wait()  # a thread that has ended leaves its heap to the next one
    together.wait()

for _ in range(8):
    threading.Thread(target=hold, daemon=True).start()
together.wait()
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
together.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    assert done.stdout.count("<heap nr=") == heaps
