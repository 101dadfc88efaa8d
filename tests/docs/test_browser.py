"""The pages as a person meets them, in Debian's Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, expect, sync_playwright

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield browser.new_page()
        browser.close()


def watch(page: Page) -> set[str]:
    """Gives the hosts the page talks to, or would if they answered; the policy's own refusals are none."""
    hosts: set[str] = set()

    def note(request: Request) -> None:
        if request.failure != "csp" and not request.url.startswith(("data:", "blob:")):
            hosts.add(request.url.split("/")[2])

    page.on("requestfinished", note)
    page.on("requestfailed", note)
    return hosts


def test_the_documentation_shows_the_picture_it_asked_for(page: Page, address: str) -> None:
    hosts = watch(page)
    page.goto(f"http://{address}/docs")
    page.get_by_text("Decode latent vectors to pictures").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    picture = page.locator(".live-responses-table img")
    expect(picture).to_be_visible(timeout=20_000)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 28
    assert hosts == {address}


def test_the_reference_needs_no_other_host(page: Page, address: str) -> None:
    hosts = watch(page)
    page.goto(f"http://{address}/redoc")
    expect(page.get_by_role("heading", name="Draw the way between two points")).to_be_visible(timeout=20_000)
    assert hosts == {address}


def test_a_page_can_show_a_digit(page: Page, address: str) -> None:
    page.goto(f"http://{address}/health/live")
    page.set_content(f'<img src="http://{address}/digits/7?seed=3">')
    assert page.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 28
