"""The page as a whole: axe, phones, keyboards, themes, other bundles, a service that stops."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.service.web.conftest import THREE, Playground, draw, read_pixels
from tests.service.web.test_map import expect_exact, middle

pytestmark = pytest.mark.slow

AXE = pathlib.Path(__file__).parent / "node_modules/axe-core/axe.min.js"
VIEWS = ("map", "draw", "generate", "interpolate", "hand", "arithmetic")
MODELS = ("tiny", "colour", "line", "strange")


def find_violations(playground: Playground) -> list[str]:
    page = playground.page
    page.evaluate(AXE.read_text())
    found: list[Any] = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [f"{entry['id']}: {node['html'][:200]}" for entry in found for node in entry["nodes"]]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(open_page: Callable[..., Playground], theme: str, size: str) -> None:
    # axe is put into the page by the test, which the page's own policy would not let it.
    playground = open_page(size, color_scheme=theme, bypass_csp=True)
    for view in VIEWS:
        playground.open(f"?view={view}&model=mnist-16d-conditional")
        assert find_violations(playground) == [], view


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_shows_each_view_in_its_width(open_page: Callable[..., Playground], view: str) -> None:
    page = open_page("phone").open(f"?view={view}")
    if view == "draw":
        draw(page, THREE)
        expect(page.locator("#told")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("#view")).not_to_be_empty()


def test_a_finger_moves_the_point(open_page: Callable[..., Playground]) -> None:
    playground = open_page("phone")
    page = playground.open("?z=0,0&at=0,0,8")
    left, top = middle(page)
    page.touchscreen.tap(left + 50, top)
    expect(page.locator("#vector")).to_have_text(re.compile(r"z = \(1\.0\d, −?0\.0\d\)"))
    expect_exact(playground, "canvas.main")


def test_all_views_are_reached_by_keyboard(playground: Playground) -> None:
    page = playground.open()
    page.locator("#tab-map").focus()
    for view in (*VIEWS[1:], "map"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{view}")).to_be_focused()
        expect(page.locator(f"#tab-{view}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.localName") == "latent-map"


def test_the_theme_is_kept(playground: Playground) -> None:
    page = playground.open()
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colour)
    page.get_by_role("button", name="Change between dark and light").click()
    assert page.evaluate(colour) != before
    chosen = page.evaluate(colour)
    playground.open()
    assert page.evaluate(colour) == chosen


def test_less_motion_plays_nothing_by_itself(open_page: Callable[..., Playground]) -> None:
    page = open_page(reduced_motion="reduce").open("?view=interpolate")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


@pytest.mark.parametrize("model", MODELS)
def test_a_bundle_of_another_kind_works_in_each_view(playground: Playground, model: str) -> None:
    for view in VIEWS:
        page = playground.open(f"?view={view}&model={model}")
        expect_exact(playground, "canvas.main")
        left, top = middle(page)
        page.mouse.move(left + 60, top - 30)
        shown = expect_exact(playground, "canvas.lens")
        side = {"tiny": 8, "colour": 32, "line": 12, "strange": 16}[model]
        assert shown.shape == (side, side, 3)
        assert (np.ptp(shown, axis=2).max() > 0) == (model == "colour")
        page.mouse.move(5, 5)


def test_classes_go_by_their_names(playground: Playground) -> None:
    page = playground.open("?model=colour&view=generate")
    assert page.locator(".legend button").all_inner_texts() == ["square", "disc", "2"]
    page.get_by_role("group", name="Class", exact=True).get_by_role("button", name="disc").click()
    expect(page).to_have_url(re.compile("digit=1"))


@pytest.mark.parametrize("model", MODELS)
def test_a_drawing_is_read_by_a_bundle_of_another_kind(playground: Playground, model: str) -> None:
    page = playground.open(f"?view=draw&model={model}")
    draw(page, [[(0.3, 0.3), (0.7, 0.7)]])
    expect(page.locator("#reading")).to_contain_text("nats off")
    assert read_pixels(page.locator("#reading canvas.picture").first).shape[0] < 40


def test_what_the_page_cannot_decode_it_asks_for_one_at_a_time(playground: Playground) -> None:
    page = playground.open("?model=strange")
    expect(page.locator("#status")).to_contain_text("previews by the service")
    left, top = middle(page)
    open_now, most = set(), 0

    def begin(request: Any) -> None:
        nonlocal most
        if "/decode.png" in request.url:
            open_now.add(request)
            most = max(most, len(open_now))

    page.on("request", begin)
    page.on("requestfinished", lambda request: open_now.discard(request))
    page.on("requestfailed", lambda request: open_now.discard(request))
    for step in range(40):
        page.mouse.move(left - 100 + 5 * step, top)
    expect_exact(playground, "canvas.lens")
    assert most <= 2


def test_a_limit_is_told_as_the_service_words_it(playground: Playground) -> None:
    page = playground.open("?view=generate&n=100&digit=12")
    expect(page.locator("#notice")).to_contain_text("expected a class of mnist-2d")
    playground.faults.clear()  # Chromium notes each answer of 400 and above


def test_an_unknown_model_in_a_link_is_told(playground: Playground) -> None:
    page = playground.open("?model=nothing")
    expect(page.locator("#notice")).to_contain_text("There is no model nothing here; this is mnist-2d.")


def test_a_stopped_service_is_noticed_and_found_again(playground: Playground) -> None:
    page = playground.open("?z=0,0&at=0,0,8")
    page.context.set_offline(True)
    left, top = middle(page)
    page.mouse.click(left + 60, top)
    expect(page.locator("#notice")).to_contain_text("does not answer")
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_contain_text("there again", timeout=15_000)
    page.mouse.click(left - 60, top)
    expect_exact(playground, "canvas.main")
    playground.faults.clear()  # Chromium notes each failed request
