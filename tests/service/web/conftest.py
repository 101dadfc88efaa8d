"""The playground in Debian's Chromium, over the shipped bundles and some of other kinds."""

from __future__ import annotations

import base64
import dataclasses
import io
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.live import serve
from tests.service.web.bundles import write_bundle

ROOT = pathlib.Path(__file__).parents[3]
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
# A busy machine may take long to begin; what is wrong stays wrong.
READY_MS = 60_000
EXPECT_MS = 20_000


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("bundles")
    for shipped in (ROOT / "models").iterdir():
        (folder / shipped.name).symlink_to(shipped)
    write_bundle(folder / "tiny", side=8)
    write_bundle(folder / "colour", side=32, channels=3, latent_dim=5, classes=3)
    write_bundle(folder / "line", side=12, latent_dim=1, classes=2)
    write_bundle(folder / "strange", side=16, classes=2, operator="Erf")
    return folder


@pytest.fixture(scope="session")
def address(bundles: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port."""
    settings = {"CVAE_MODELS_DIR": str(bundles), "CVAE_MAX_REQUEST_ROWS": "256"}
    with serve(tmp_path_factory.mktemp("playground") / "log", **settings) as found:
        yield found


# Not for the session: while Playwright runs, its event loop is this thread's, and no other may run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield browser
        browser.close()


@dataclasses.dataclass
class Playground:
    """A page of the playground, and what went wrong in it.

    Attributes:
        page: The page.
        address: Host and port.
        faults: Messages on the console and errors that no one caught.
        hosts: Whom the page talked to.
        key: What the tests themselves show the service.
    """

    page: Page
    address: str
    faults: list[str] = dataclasses.field(default_factory=list)
    hosts: set[str] = dataclasses.field(default_factory=set)
    key: str = ""

    def watch(self) -> None:
        def note(request: Request) -> None:
            if not request.url.startswith(("data:", "blob:")):
                self.hosts.add(request.url.split("/")[2])

        self.page.on("request", note)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        # Chromium would have canvases that are read often be made for that; only the tests read them.
        if message.type in ("error", "warning") and "willReadFrequently" not in message.text:
            self.faults.append(message.text)

    def open(self, query: str = "") -> Page:
        """Opens a view, and waits until its model and its decoder are there."""
        self.page.goto(f"http://{self.address}/{query}")
        self.page.wait_for_selector("body[data-ready=decoder]", timeout=READY_MS)
        return self.page

    def get(self, path: str) -> bytes:
        headers = {"X-API-Key": self.key} if self.key else {}
        return httpx.get(f"http://{self.address}{path}", headers=headers).raise_for_status().content


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Playground]]:
    """Opens pages; at the end none may have had an error or asked another host."""
    opened = []

    def open_one(size: str = "desktop", **options: Any) -> Playground:
        width, height = SIZES[size]
        viewport = ViewportSize(width=width, height=height)
        context = browser.new_context(viewport=viewport, has_touch=size == "phone", **options)
        playground = Playground(context.new_page(), address)
        playground.watch()
        opened.append(playground)
        return playground

    yield open_one
    for playground in opened:
        playground.page.context.close()
        assert playground.faults == []
        assert playground.hosts <= {address}


@pytest.fixture
def playground(open_page: Callable[..., Playground]) -> Playground:
    return open_page()


def read_pixels(canvas: Locator) -> np.ndarray[Any, Any]:
    """What a canvas shows, (height, width, 3) uint8."""
    # As text: a list of numbers of a large canvas takes a minute.
    height, width, packed = canvas.evaluate(
        """canvas => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          const parts = [];
          for (let i = 0; i < data.length; i += 32768) {
            parts.push(String.fromCharCode(...data.subarray(i, i + 32768)));
          }
          return [height, width, btoa(parts.join(""))];
        }"""
    )
    return np.frombuffer(base64.b64decode(packed), np.uint8).reshape(height, width, 4)[..., :3]


def read_png(content: bytes) -> np.ndarray[Any, Any]:
    """The pixels of a file, (height, width, 3) uint8."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def draw(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draws on the board; places are parts of its side."""
    board = page.locator("drawing-pad canvas")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()


THREE = [
    [
        *((0.3, 0.25), (0.42, 0.16), (0.58, 0.18), (0.65, 0.3), (0.57, 0.42), (0.45, 0.48)),
        *((0.6, 0.53), (0.68, 0.66), (0.6, 0.8), (0.44, 0.85), (0.3, 0.76)),
    ]
]
