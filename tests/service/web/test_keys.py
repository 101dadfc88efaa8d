"""The playground of a service that asks for an API key."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.live import serve
from tests.service.web.conftest import READY_MS, THREE, Playground, draw
from tests.service.web.test_map import expect_exact, middle
from tests.service.web.test_page import AXE, VIEWS

pytestmark = pytest.mark.slow

KEY = "a-key-of-the-visitor"
METRICS = "a-key-of-a-prometheus"


@pytest.fixture(scope="module")
def guarded(bundles: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a service with keys."""
    settings = {
        "CVAE_MODELS_DIR": str(bundles),
        "CVAE_MAX_REQUEST_ROWS": "256",
        "CVAE_API_KEYS": f"visitor:read:{KEY},prometheus:metrics:{METRICS}",
    }
    with serve(tmp_path_factory.mktemp("keys") / "log", **settings) as found:
        yield found


@pytest.fixture
def playground(browser: Browser, guarded: str) -> Iterator[Playground]:
    context = browser.new_context(bypass_csp=True)
    playground = Playground(context.new_page(), guarded, key=KEY)
    playground.watch()
    yield playground
    context.close()
    # Chromium notes each answer of 400 and above.
    assert [fault for fault in playground.faults if "status of 401" not in fault] == []
    assert playground.hosts <= {guarded}


def give(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")


def enter(playground: Playground, query: str = "") -> Page:
    """Opens a view, and gives the key."""
    page = playground.page
    page.goto(f"http://{playground.address}/{query}")
    expect(page.get_by_role("dialog")).to_contain_text("this needs an API key")
    give(page, KEY)
    page.wait_for_selector("body[data-ready=decoder]", timeout=READY_MS)
    return page


def test_each_view_works_with_a_key_that_is_asked_for_once(playground: Playground) -> None:
    page = enter(playground)
    # Of the last, all pictures come from the service.
    for view, model in [*((view, "mnist-16d-conditional") for view in VIEWS), ("map", "strange")]:
        playground.open(f"?view={view}&model={model}")
        expect_exact(playground, "canvas.main")
    playground.open("?view=draw&model=mnist-16d-conditional")
    draw(page, THREE)
    expect(page.locator("#told")).to_have_text("This is a 3")
    refused = [fault for fault in playground.faults if "status of 401" in fault]
    assert len(refused) == 1
    assert KEY not in page.url


def test_a_way_is_saved_with_the_key(playground: Playground) -> None:
    page = enter(playground, "?view=interpolate&path=-2,1;2,0.5&steps=6")
    with page.expect_download() as download:
        page.locator("#save").get_by_role("link", name="GIF", exact=True).click()
    assert download.value.suggested_filename == "interpolate.gif"
    with Image.open(download.value.path()) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("GIF", 6)


def test_lines_to_copy_say_where_the_key_goes(playground: Playground) -> None:
    page = enter(playground)
    page.locator("#current details.copy summary").click()
    page.locator("#current .copy pre").nth(1).wait_for()
    lines = page.locator("#current .copy pre").all_inner_texts()
    assert not any(KEY in line for line in lines)
    assert '-H "X-API-Key: $CVAE_API_KEY"' in lines[1]
    assert playground.get(lines[0].partition(playground.address)[2]).startswith(b"\x89PNG")


def test_wrong_keys_are_told_as_the_service_words_it(playground: Playground) -> None:
    page = playground.page
    page.goto(f"http://{playground.address}/")
    dialog = page.get_by_role("dialog")
    for key, reason in (("with a space", "needs an API key"), ("wrong", "none of those that are known")):
        give(page, key)
        expect(dialog).to_contain_text(reason)
    give(page, METRICS)
    expect(dialog).to_contain_text("the API key lacks the scope read")
    give(page, KEY)
    expect(dialog).to_be_hidden()
    page.wait_for_selector("body[data-ready=decoder]", timeout=READY_MS)
    playground.faults = [fault for fault in playground.faults if "status of 403" not in fault]


def test_who_has_no_key_is_left_in_peace_and_may_give_one_later(playground: Playground) -> None:
    page = playground.page
    page.goto(f"http://{playground.address}/")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#notice")).to_contain_text("this needs an API key")
    asked = len(playground.faults)
    page.wait_for_timeout(2500)
    assert len(playground.faults) == asked
    page.get_by_role("button", name="Key", exact=True).click()
    give(page, KEY)
    page.wait_for_selector("body[data-ready=decoder]", timeout=READY_MS)
    expect_exact(playground, "canvas.main")


def test_a_key_is_forgotten(playground: Playground) -> None:
    page = enter(playground, "?z=0,0&at=0,0,8")
    kept = "JSON.stringify([sessionStorage, localStorage])"
    assert KEY in page.evaluate(kept)
    page.get_by_role("button", name="Key", exact=True).click()
    page.get_by_role("button", name="Forget it").click()
    assert KEY not in page.evaluate(kept)
    left, top = middle(page)
    page.mouse.click(left + 60, top)
    expect(page.locator("#notice")).to_contain_text(re.compile("this needs an API key"))


def test_another_tab_is_asked_anew(playground: Playground) -> None:
    enter(playground)
    page = playground.page.context.new_page()
    # What the first has seen is in the browser's cache; this is not.
    page.goto(f"http://{playground.address}/?view=generate&seed=12345")
    expect(page.get_by_role("dialog")).to_contain_text("this needs an API key")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_dialog(playground: Playground, theme: str) -> None:
    page = playground.page
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(f"http://{playground.address}/")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))")
    assert found == []
