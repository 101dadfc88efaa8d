"""Fuzz the service, guided by its coverage: `python -m tests.service.guided --minutes 30`.

Each kind of body has a process of its own: libFuzzer ends the one that it runs in. What made the service fail
is left in a file, whose name is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

from tests.service.guided.targets import TARGETS

# Of an input: the most bytes, seconds and memory.
MOST_BYTES, MOST_S, MOST_MB = 16_384, 20, 3000


def main() -> int:
    """Fuzz, and return 1 if anything was found."""
    parser = argparse.ArgumentParser("tests.service.guided", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="for each kind of body")
    parser.add_argument("--only", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--found", type=pathlib.Path, default=pathlib.Path("fuzz-found"))
    parser.add_argument("--inside", choices=list(TARGETS), help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.inside:
        _fuzz(options.inside, rest)
    return max([_start(name, options) for name in options.only])


def _start(name: str, options: argparse.Namespace) -> int:
    options.found.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="guided-") as folder:
        corpus, words = pathlib.Path(folder, "corpus"), pathlib.Path(folder, "words")
        corpus.mkdir()
        for i, seed in enumerate(TARGETS[name].seeds):
            (corpus / str(i)).write_bytes(seed)
        words.write_text("".join(f'"{_escape(word)}"\n' for word in TARGETS[name].words))
        limits = f"-max_len={MOST_BYTES}", f"-timeout={MOST_S}", f"-rss_limit_mb={MOST_MB}"
        ends = f"-max_total_time={round(options.minutes * 60)}", f"-artifact_prefix={options.found}/{name}-"
        command = [sys.executable, "-m", "tests.service.guided", "--inside", name, str(corpus)]
        status = subprocess.run(
            [*command, f"-dict={words}", "-print_final_stats=1", *limits, *ends]
        ).returncode
    sys.stdout.write(f"{name}: {'all well' if status == 0 else f'found something, status {status}'}\n")
    return int(status != 0)


def _escape(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _fuzz(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["service"]):
        from service.core.settings import Settings
        from service.inference.registry import Registry
        from service.server.app import create_app
    from tests.pauses import ask
    from tests.service.fake import write_bundle

    logging.disable(logging.WARNING)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="guided-models-"))
    write_bundle(folder / "fake")
    settings = Settings(models_dir=folder, max_image_pixels=1_000_000, max_request_rows=64, cache_bytes=0)
    registry = Registry(settings)
    registry.start()
    app: Any = create_app(settings, registry)
    app.api.state.registry = registry
    loop, wrap = asyncio.new_event_loop(), TARGETS[name].wrap

    def send(content: bytes) -> None:
        path, body, headers = wrap(content)
        answer = loop.run_until_complete(ask(app, "POST", path, body, headers))
        if answer.status >= 500:
            raise AssertionError(
                f"expected less than 500, received {answer.status}: {answer.content[:300]!r}"
            )

    for seed in TARGETS[name].seeds:
        send(seed)
    atheris.Setup([sys.argv[0], *arguments], send)
    atheris.Fuzz()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
