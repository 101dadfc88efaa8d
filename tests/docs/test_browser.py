"""The pages as a person meets them, in Debian's Chromium."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Request, expect, sync_playwright

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
SIZE = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
CHROMIUM = "/usr/bin/chromium"
PICTURE = ROOT / "models" / "mnist-2d" / "plots" / "latent.png"
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield browser.new_page()
        browser.close()


def watch(page: Page) -> set[str]:
    """Gives the hosts the page talks to, or would if they answered, or if the policy let it."""
    hosts: set[str] = set()

    def note(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            hosts.add(request.url.split("/")[2])

    page.on("requestfinished", note)
    page.on("requestfailed", note)
    return hosts


def operations() -> list[str]:
    """The id of each operation's block in Swagger UI."""
    schema = json.loads((ROOT / "openapi.json").read_text())
    entries = [entry for path in schema["paths"].values() for entry in path.values()]
    return [f"operations-{entry['tags'][0].replace(' ', '_')}-{entry['operationId']}" for entry in entries]


def open_operation(page: Page, address: str, operation: str) -> Locator:
    """Opens an operation to try it out, and gives its block."""
    page.goto(f"http://{address}/docs")
    block = page.locator(f"#{operation}")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def execute(page: Page, address: str, operation: str) -> Locator:
    """Opens an operation, runs it as it is filled in, and gives its block once it has answered."""
    block = open_operation(page, address, operation)
    for chooser in block.locator("input[type=file]").all():
        chooser.set_input_files(PICTURE)
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table tbody .response-col_status")).to_be_visible(timeout=20_000)
    return block


@pytest.mark.parametrize("operation", operations())
def test_each_operation_of_the_documentation_answers_as_it_is_filled_in(
    page: Page, address: str, operation: str
) -> None:
    hosts = watch(page)
    block = execute(page, address, operation)
    expect(block.locator(".live-responses-table tbody .response-col_status")).to_have_text(re.compile("^200"))
    assert hosts == {address}


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        ("pictures-decode", (112, 112)),
        ("image_urls-decode_url", (112, 112)),
        ("image_urls-draw_digit_url", (112, 112)),
        ("image_urls-interpolate_url", (896, 112)),
        ("image_urls-draw_manifold_url", (896, 896)),
    ],
)
def test_the_documentation_shows_the_picture_it_asked_for(
    page: Page, address: str, operation: str, size: tuple[int, int]
) -> None:
    picture = execute(page, address, f"operations-{operation}").locator(".live-responses-table img")
    expect(picture).to_be_visible(timeout=20_000)
    assert picture.evaluate(SIZE) == list(size)


@pytest.mark.parametrize("operation", ["latent_vectors-encode", "pictures-reconstruct"])
def test_an_upload_opens_on_a_button_that_chooses_a_file(page: Page, address: str, operation: str) -> None:
    block = open_operation(page, address, f"operations-{operation}")
    expect(block.locator("input[type=file]")).to_have_count(1)
    expect(block.locator("textarea")).to_have_count(0)


def test_the_reference_needs_no_other_host(page: Page, address: str) -> None:
    hosts, said = watch(page), list[str]()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"http://{address}/redoc")
    expect(page.get_by_role("heading", name="Draw the way between two points").first).to_be_visible(
        timeout=20_000
    )
    expect(page.get_by_text("X-Request-Timeout-Ms").first).to_be_visible()
    assert hosts == {address}
    assert said == []


def test_the_documentation_says_nothing_in_the_console(page: Page, address: str) -> None:
    said = list[str]()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    block = execute(page, address, "operations-pictures-decode")
    expect(block.locator(".live-responses-table img")).to_be_visible(timeout=20_000)
    assert said == []


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
def test_a_script_that_is_put_into_a_page_does_not_run(page: Page, address: str, path: str) -> None:
    page.goto(f"http://{address}{path}")
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            const style = document.createElement("style");
            style.textContent = "body { opacity: 0.5 }";
            document.head.append(style);
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).opacity") == "1"


def test_no_page_of_another_site_frames_ours(page: Page, address: str) -> None:
    port = address.rpartition(":")[2]
    page.goto(f"http://127.0.0.1:{port}/health/live")  # another site than localhost
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.set_content(
            f'<iframe src="http://{address}/"></iframe><img src="http://{address}/digits/7?seed=3">'
        )
    assert page.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 28


def test_a_page_can_show_a_digit(page: Page, address: str) -> None:
    page.goto(f"http://{address}/health/live")
    page.set_content(f'<img src="http://{address}/digits/7?seed=3">')
    assert page.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 28


def test_the_readme_s_page_shows_its_pictures(page: Page, address: str) -> None:
    (html,) = re.findall(r"```html\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    page.goto(f"http://{address}/health/live")
    page.set_content(html.replace("localhost:8000", address))
    pictures = page.locator("img").all()
    assert [picture.evaluate(SIZE) for picture in pictures] == [[112, 112]] * 3
