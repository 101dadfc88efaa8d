"""Owns reloads and killed workers under load: other versions of a model, in turn.

Which versions there are follows from the current one: that before it is kept, and no other. An answer is
right if it is, whole, what it must be in one of these states. Requests that a killed worker held are lost,
and no others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.harness.processes import find_tree
from tests.reliability.cases.pinned import write_picture_url
from tests.reliability.faulty import Fault
from tests.reliability.serving import Service, ask
from tests.reliability.tally import Loss
from tests.reliability.versions import NAME, Version

SETTINGS = {"CVAE_KEEP_VERSIONS": "1"}
# What the log says of it all.
EXPECTED = ("reload: mnist-2d: refused", "was ended by SIGKILL")
WAIT_S = 120.0
# A killed worker's connections end at once, but their clients may see it later.
KILL_S = 2.0
# Who misbehaves reads late, too.
FAULT_S = 5.0
# In which share of the time workers are killed: memory is compared after it.
KILLING = 1 / 3
# New connections after a reload on which each version is asked for, so that each worker gets some.
ASKED = 8


@dataclasses.dataclass
class Disturber:
    """Replaces the model of a service, and kills its workers, each at even intervals.

    Attributes:
        service: That runs, with its models in `models`.
        models: The folder that it reads.
        versions: To copy from in turn.
        reloads: How many to do.
        kills: How many workers to kill.
        pictures: The right answer to `write_picture_url` of each version; nothing is asked if there is none.
        faults: What went wrong.
        killed: When a worker was killed (`time.monotonic`).
    """

    service: Service
    models: pathlib.Path
    versions: Sequence[Version]
    reloads: int = 0
    kills: int = 0
    pictures: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    faults: list[str] = dataclasses.field(default_factory=list)
    killed: list[float] = dataclasses.field(default_factory=list)
    _turn: int = 0

    def begin(self) -> None:
        """Reload until the first version is the current one and that before it is kept."""
        for _ in self.versions:
            self.reload()

    @contextlib.contextmanager
    def run(self, seconds: float) -> Iterator[None]:
        """Disturb for so long, beside what the context does."""
        thread = threading.Thread(target=self._disturb, args=(seconds,))
        thread.start()
        yield
        thread.join()

    def _disturb(self, seconds: float) -> None:
        begun = time.monotonic()
        acts = [((i + 0.5) / self.reloads, self.reload) for i in range(self.reloads)]
        acts += [(KILLING * (i + 0.5) / self.kills, self._kill) for i in range(self.kills)]
        for share, act in sorted(acts, key=lambda act: act[0]):
            time.sleep(max(0.0, begun + seconds * share - time.monotonic()))
            act()

    def reload(self) -> None:
        """Copy the next version over the current one, and have it read amid the copy too."""
        before = self.versions[self._turn % len(self.versions)]
        self._turn += 1
        version = self.versions[self._turn % len(self.versions)]
        names = ("decoder.onnx", "golden.npz", "model.json")
        for name in names:
            shutil.copyfile(version.bundle / name, self.models / NAME / name)
            if name == names[0]:
                self._hang_up(f"reload: {NAME}: refused")
        self._hang_up(f"reload: {version.reference}: loaded")
        for each in (version, before):
            self._ask(each)

    def _ask(self, version: Version) -> None:
        """Ask for a picture of a version that is served or kept."""
        target, expected = write_picture_url(version.reference), self.pictures.get(version.reference)
        for _ in range(ASKED if expected else 0):
            status, body = ask(self.service.port, target)
            if (status, body) != (200, expected):
                self.faults.append(
                    f"{target}: expected 200 and its picture, received {status}: {body[:200]!r}"
                )
                return

    def _hang_up(self, expected: str) -> None:
        before = self._count(expected)
        self.service.signal(signal.SIGHUP)
        end = time.monotonic() + WAIT_S
        while self._count(expected) == before:
            if time.monotonic() > end or not self.service.is_alive():
                self.faults.append(f"reload: expected in the log: {expected}")
                return
            time.sleep(0.05)

    def _count(self, text: str) -> int:
        return self.service.log.read_text(errors="replace").count(text)

    def _kill(self) -> None:
        workers = [pid for pid in find_tree(self.service.process.pid) if _is_worker(pid)]
        self.killed.append(time.monotonic())
        os.kill(random.Random(len(self.killed)).choice(workers), signal.SIGKILL)

    def forgive(self, losses: Sequence[Loss]) -> list[Loss]:
        """Return the losses that no killed worker explains."""
        return [
            loss
            for loss in losses
            if not any(at <= loss.ended <= at + KILL_S or loss.sent <= at <= loss.ended for at in self.killed)
        ]

    def forgive_faults(self, faults: Sequence[Fault]) -> list[Fault]:
        """Return what was wrong to who misbehaved, but for what was seen once a worker had been killed."""
        return [fault for fault in faults if not any(at <= fault.at <= at + FAULT_S for at in self.killed)]

    def list_faults(self) -> list[str]:
        """Return what went wrong, in the log too, a line each."""
        errors = self.service.find_errors()
        return self.faults + [error for error in errors if not any(text in error for text in EXPECTED)]


def _is_worker(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"spawn_main" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
