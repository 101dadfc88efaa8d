"""Measure the playground in Chromium: frames while the pointer moves and drags, bytes, paint and first use.

Start it by `python -m benchmarks.suites.playground --url http://127.0.0.1:8000`, with a service there.
Processor time of threads is measured, which a busy machine does not lengthen.
"""

from __future__ import annotations

import itertools
import json
import math
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import click
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.harness.markdown import describe, tabulate

CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1280, "height": 800}
SECONDS = 10
RADIUS = 220
CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
# When the page had its model, from where on it answers, and the decoder that it runs by itself.
READY = """
  window.readyAt = {};
  addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
    window.readyAt[document.body.dataset.ready] ??= performance.now();
  }).observe(document.body, { attributeFilter: ["data-ready"] }));
"""
# Heard after the map's own listeners, which have drawn the picture by then.
DELAYS = """() => {
  window.delays = [];
  addEventListener("pointermove", ({ timeStamp }) => window.delays.push(performance.now() - timeStamp));
}"""
PAINTS = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const loaded = performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"));
  const own = loaded.filter(({ name }) => name.includes("/playground/") || name.endsWith("/"));
  const sum = (entries) => entries.reduce((total, { transferSize }) => total + transferSize, 0);
  return [paint.startTime, sum(own), sum(loaded)];
}"""


def circle(page: Page, seconds: float) -> None:
    """Move the pointer in circles over the map, a step a frame."""
    box = page.locator("latent-map").bounding_box()
    if box is None:
        raise RuntimeError("expected a map on the page, found none")
    left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    begun = page.evaluate("performance.now()")
    step = 0
    while page.evaluate("new Promise(requestAnimationFrame)") - begun < 1e3 * seconds:
        step += 1
        angle = step / 20
        page.mouse.move(left + RADIUS * math.cos(angle), top + RADIUS * math.sin(angle))


def trace(browser: Browser, page: Page, act: Callable[[], None]) -> list[dict[str, Any]]:
    """Return the events of Chromium's trace while something is done."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "trace.json"
        browser.start_tracing(page=page, path=path, categories=CATEGORIES)
        act()
        browser.stop_tracing()
        events: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    return events


def find_frames(events: Sequence[dict[str, Any]]) -> list[float]:
    """Return the milliseconds of processor time that each frame took on the main and the raster threads."""
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    pages = {thread for thread, name in names.items() if name == "CrRendererMain"}
    busiest = max(pages, key=lambda thread: sum((e["pid"], e["tid"]) == thread for e in events))
    own = [e for e in events if e["pid"] == busiest[0] and "tdur" in e]
    main = [e for e in own if e["tid"] == busiest[1] and e["name"] == "RunTask"]
    raster = [e for e in own if e["name"] == "RasterTask"]
    starts = sorted(e["ts"] for e in events if (e["name"], e["pid"]) == ("Commit", busiest[0]))
    spans = itertools.pairwise(starts)
    work = sorted((e["ts"], e["tdur"]) for e in (*main, *raster))
    return [sum(took for at, took in work if start <= at < end) / 1e3 for start, end in spans]


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value that a part of all values are at most."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def measure(browser: Browser, url: str, name: str, *, drag: bool) -> list[Any]:
    """Return a row of the table: a way to move, and the frames it took."""
    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
    page.goto(url)
    page.wait_for_selector("body[data-ready=decoder]")
    page.wait_for_timeout(2000)
    if drag:
        page.mouse.move(300, 300)
        page.mouse.down()
    page.evaluate(DELAYS)
    frames = find_frames(trace(browser, page, lambda: circle(page, SECONDS)))
    delays = page.evaluate("window.delays")
    page.close()
    times = [f"{quantile(frames, part):.1f}" for part in (0.5, 0.95, 0.99)]
    return [name, len(frames), *times, f"{quantile(delays, 0.95):.1f}"]


@click.command()
@click.option("--url", required=True, help="Where a service is, such as http://127.0.0.1:8000.")
def main(url: str) -> None:
    """Measure the playground of a service."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.add_init_script(READY)
        page.goto(url)
        page.wait_for_selector("body[data-ready=decoder]")
        paint, own, all_ = page.evaluate(PAINTS)
        ready = page.evaluate("window.readyAt")
        page.close()
        rows = [
            measure(browser, url, "hover", drag=False),
            measure(browser, url, "drag the map", drag=True),
        ]
        browser.close()
    text = (
        f"Each way to move lasts {SECONDS} s, over 10,000 points. Processor milliseconds of a frame on the "
        "page's main thread and in its raster tasks, drawn in software; milliseconds on the clock from the "
        "pointer's event to the picture's pixels."
    )
    sys.stdout.write(describe("The playground", text) + "\n")
    sys.stdout.write(tabulate(("way", "frames", "median", "p95", "p99", "pointer to picture, p95"), rows))
    sys.stdout.write(
        f"\nFirst paint after {paint:.0f} ms; to be used after {ready['model']:.0f}, with its own decoder "
        f"after {ready['decoder']:.0f}. Over the wire: {own / 1e3:.0f} kB of page, "
        f"{all_ / 1e3:.0f} kB with the first model's atlas and decoder.\n"
    )


if __name__ == "__main__":
    main()
