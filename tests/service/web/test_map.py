"""The map: what the pointer decodes, how it moves, what its legend hides, what its URL keeps."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.service.web.conftest import Playground, read_pixels, read_png

pytestmark = pytest.mark.slow

# How far a preview may be from the service's picture, of 255.
PREVIEW_LEVELS = 2
LENS = "canvas.lens"


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("latent-map").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def in_url(page: Page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def expect_exact(playground: Playground, canvas: str) -> np.ndarray[Any, Any]:
    """Waits until a canvas shows the service's own picture, and checks that it does."""
    picture = playground.page.locator(canvas)
    url, shown = "", np.zeros(0)
    while url != picture.get_attribute("data-url"):  # the pointer's last moves may still be on their way
        expect(picture).to_have_attribute("data-state", "exact")
        url = picture.get_attribute("data-url") or ""
        shown = read_pixels(picture)
    assert url.startswith(f"http://{playground.address}/decode.png?")
    expected = read_png(playground.get(url.partition(playground.address)[2]))
    assert (shown == expected).all()
    return shown


@pytest.mark.parametrize("query", ["", "?model=mnist-16d", "?model=mnist-16d-conditional&label=4"])
def test_the_picture_at_the_pointer_is_the_service_s(playground: Playground, query: str) -> None:
    page = playground.open(query)
    left, top = middle(page)
    page.evaluate(
        """() => {
          const lens = document.querySelector("canvas.lens");
          window.previews = [];
          new MutationObserver(() => {
            if (lens.dataset.state !== "preview") return;
            const { data } = lens.getContext("2d").getImageData(0, 0, lens.width, lens.height);
            window.previews.push(Array.from(data));
          }).observe(lens, { attributes: true, attributeFilter: ["data-state"] });
        }"""
    )
    for right in (-120, 20, 90):
        page.mouse.move(left + right, top - 40)
        shown = expect_exact(playground, LENS)
        preview = np.array(page.evaluate("window.previews.at(-1)"), np.uint8).reshape(*shown.shape[:2], 4)
        assert np.abs(preview[..., :3].astype(int) - shown).max() <= PREVIEW_LEVELS
    page.mouse.move(5, 5)
    expect(page.locator(LENS)).to_be_hidden()


def test_hovering_asks_the_service_only_at_rest(playground: Playground) -> None:
    page = playground.open()
    left, top = middle(page)
    page.wait_for_timeout(300)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for step in range(60):
        page.mouse.move(left - 150 + 5 * step, top + 30)
    expect_exact(playground, LENS)
    assert 1 <= len([url for url in asked if "/decode.png" in url]) <= 6


def test_a_click_keeps_the_point_and_a_link_shows_it_again(playground: Playground) -> None:
    page = playground.open()
    left, top = middle(page)
    page.mouse.click(left + 100, top - 60)
    expect(page).to_have_url(re.compile(r"[?&]z=-?[\d.]+,-?[\d.]+"))
    shown = expect_exact(playground, "canvas.main")
    words = page.locator("#vector").inner_text()
    playground.open(page.url.partition(playground.address)[2].removeprefix("/"))
    assert page.locator("#vector").inner_text() == words
    assert (expect_exact(playground, "canvas.main") == shown).all()


def test_back_goes_to_the_point_before(playground: Playground) -> None:
    page = playground.open()
    first = page.locator("#vector").inner_text()
    left, top = middle(page)
    page.mouse.click(left + 100, top)
    expect(page.locator("#vector")).not_to_have_text(first)
    second = page.locator("#vector").inner_text()
    page.mouse.click(left - 100, top)
    expect(page.locator("#vector")).not_to_have_text(second)
    page.go_back()
    expect(page.locator("#vector")).to_have_text(second)
    page.go_back()
    expect(page.locator("#vector")).to_have_text(first)


def test_the_point_can_be_dragged(playground: Playground) -> None:
    page = playground.open("?z=0,0&at=0,0,8")
    left, top = middle(page)
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 111, top, steps=5)
    page.mouse.up()
    expect(page.locator("#vector")).to_have_text("z = (1.00, 0.00)")


def test_dragging_the_ground_moves_the_map_and_the_wheel_zooms_at_the_pointer(
    playground: Playground,
) -> None:
    page = playground.open("?z=3,3&at=0,0,8")
    left, top = middle(page)
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 111, top, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"at=-1,0,8"))
    page.mouse.wheel(0, -320)
    expect(page).to_have_url(re.compile(r"at=[^&]*,4(&|$)"))
    assert in_url(page)["z"] == "3,3"


def test_pictures_sharpen_where_one_looks_nearer(playground: Playground) -> None:
    page = playground.open("?at=0,0,8")
    levels = """() => {
      const { wanted, slots } = document.querySelector("latent-map").manifold;
      return [wanted.length, Math.min(...[...slots.keys()].map((key) => +key.split(" ")[0]))];
    }"""
    page.wait_for_function(
        f"() => ({levels})()[0] === 0 && document.querySelector('latent-map').manifold.slots.size"
    )
    coarse = page.evaluate(levels)[1]
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"() => ({levels})()[1] <= {coarse - 2}")


def test_the_map_works_by_keyboard(playground: Playground) -> None:
    page = playground.open("?z=0,0&at=0,0,8")
    page.locator("latent-map").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    step = 8 * 8 / page.locator("latent-map").evaluate("map => map.clientWidth")
    expect(page.locator("#vector")).to_have_text(f"z = ({3 * step:.2f}, {step:.2f})")
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"at=0,0,5\.7"))
    page.keyboard.press("Shift+ArrowLeft")
    expect(page).to_have_url(re.compile(r"at=-0\.[\d]+,0,5\.7"))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile(r"5\.7"))


def test_the_legend_hides_and_shows_classes(playground: Playground) -> None:
    page = playground.open()
    points = page.locator("latent-map canvas.points")
    page.wait_for_timeout(400)
    before = np.count_nonzero(read_pixels(points))
    one = page.locator(".legend button[data-label='1']")
    one.click()
    expect(one).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile("hidden=1"))
    assert np.count_nonzero(read_pixels(points)) < before
    page.locator(".legend button[data-label='1']").click()
    expect(page).not_to_have_url(re.compile("hidden"))
    assert np.count_nonzero(read_pixels(points)) == before


def test_each_dimension_has_a_slider_and_each_label_a_button(playground: Playground) -> None:
    page = playground.open("?model=mnist-16d-conditional")
    before = expect_exact(playground, "canvas.main")
    page.get_by_role("slider", name="Dimension 3").fill("2")
    expect(page).to_have_url(re.compile("z=0,0,0,2,0"))
    moved = expect_exact(playground, "canvas.main")
    assert (moved != before).any()
    page.get_by_role("group", name="Label").get_by_role("button", name="8").click()
    expect(page).to_have_url(re.compile("label=8"))
    assert (expect_exact(playground, "canvas.main") != moved).any()


def test_another_model_is_picked_and_back_comes_the_first(playground: Playground) -> None:
    page = playground.open()
    page.locator("#model").select_option("mnist-16d")
    expect(page.locator("#status-model")).to_contain_text("mnist-16d@")
    expect(page.get_by_role("slider")).to_have_count(16)
    page.go_back()
    expect(page.locator("#status-model")).to_contain_text("mnist-2d@")
    expect(page.locator("#status-last")).to_contain_text("/decode.png")
