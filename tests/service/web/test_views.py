"""The views: draw, generate, interpolate, in my hand, arithmetic."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.service.web.conftest import THREE, Playground, draw, read_pixels, read_png

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("model", ["mnist-2d", "mnist-16d", "mnist-16d-conditional"])
def test_a_drawn_three_is_told(playground: Playground, model: str) -> None:
    page = playground.open(f"?view=draw&model={model}")
    draw(page, THREE)
    expect(page.locator("#told")).to_have_text("This is a 3")
    expect(page.locator("#reading")).to_contain_text(re.compile(r"\d+ nats off"))
    assert page.locator("#reading .figures canvas").count() == 5
    ellipse = page.evaluate("document.querySelector('latent-map').marks.ellipse")
    assert all(np.hypot(*axis) > 0 for axis in ellipse["axes"])
    expect(page).to_have_url(re.compile(r"[?&]z="))
    seen, made = (read_pixels(page.locator("#reading canvas.picture").nth(i)) for i in (0, 1))
    assert seen.max() > 200
    assert np.corrcoef(seen.ravel(), made.ravel())[0, 1] > 0.5
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#reading")).to_be_empty()


def test_a_stroke_is_undone_and_a_picture_is_taken(playground: Playground) -> None:
    page = playground.open("?view=draw")
    draw(page, [[(0.5, 0.2), (0.5, 0.8)], [(0.2, 0.5), (0.8, 0.5)]])
    board = page.locator("drawing-pad canvas")
    both = np.count_nonzero(read_pixels(board))
    page.get_by_role("button", name="Undo").click()
    assert 0 < np.count_nonzero(read_pixels(board)) < both
    seven = playground.get("/digits/7.png?seed=3&scale=8&invert=true")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files({"name": "seven.png", "mimeType": "image/png", "buffer": seven})
    expect(page.locator("#told")).to_have_text("This is a 7")


def test_a_dropped_and_a_pasted_picture_are_read(playground: Playground) -> None:
    page = playground.open("?view=draw")
    for digit, event in ((0, "drop"), (6, "paste")):
        content = list(playground.get(f"/digits/{digit}.png?seed=3&scale=8"))
        page.evaluate(
            """([content, event]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(content)], "a.png", { type: "image/png" }));
              const given = { dataTransfer: data, clipboardData: data, cancelable: true };
              if (event === "paste") document.dispatchEvent(new ClipboardEvent("paste", given));
              else document.querySelector("drawing-pad").dispatchEvent(new DragEvent("drop", given));
            }""",
            [content, event],
        )
        expect(page.locator("#told")).to_have_text(f"This is a {digit}")


def test_what_cannot_be_read_is_explained_as_the_service_words_it(playground: Playground) -> None:
    page = playground.open("?view=draw")
    page.locator("drawing-pad input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(page.locator("#notice")).to_contain_text("expected")
    playground.faults.clear()  # Chromium notes each answer of 400 and above


def test_generated_pictures_are_the_service_s_and_come_again(playground: Playground) -> None:
    page = playground.open("?view=generate&digit=7&n=9&seed=5")
    canvases = page.locator(".grid canvas")
    expect(canvases).to_have_count(9)
    images = json.loads(playground.get("/sample.json?n=9&seed=5&digit=7&dtype=uint8"))["images"]
    for i in (0, 8):
        assert (read_pixels(canvases.nth(i))[..., 0] == np.array(images[i])).all()
    page.get_by_role("button", name="Draw others").click()
    expect(page).not_to_have_url(re.compile("seed=5(&|$)"))
    page.locator(".grid button").first.click()
    expect(page).to_have_url(re.compile(r"[?&]z="))


def test_more_like_the_current_picture_lies_around_it(playground: Playground) -> None:
    page = playground.open("?view=generate&z=2,0.5&n=12")
    page.get_by_role("button", name="More like the current").click()
    expect(page).to_have_url(re.compile("around=0.4"))
    expect(page.locator(".grid canvas")).to_have_count(12)
    places = np.array(page.evaluate("document.querySelector('latent-map').marks.chosen"))
    assert places.shape == (12, 2)
    assert np.abs(places.mean(axis=0) - [2, 0.5]).max() < 0.5
    assert 0.15 < places.std() < 1.2


def test_an_interpolation_plays_pauses_and_is_saved(playground: Playground) -> None:
    page = playground.open("?view=interpolate&path=-2,0;2,0.5&steps=6&speed=40")
    frame = page.locator("#frame")
    expect(page.locator(".strip canvas")).to_have_count(6)
    page.get_by_role("button", name="Pause").click()
    still = read_pixels(frame)
    page.wait_for_timeout(200)
    assert (read_pixels(frame) == still).all()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.strip button:last-child').ariaCurrent === 'true'")
    for name, format_, frames in (
        ("GIF", "GIF", 6),
        ("APNG", "PNG", 6),
        ("WebP", "WEBP", 6),
        ("PNG strip", "PNG", 1),
    ):
        with page.expect_download() as download:
            page.locator("#save").get_by_role("link", name=name, exact=True).click()
        with Image.open(download.value.path()) as image:
            assert (image.format, getattr(image, "n_frames", 1)) == (format_, frames)
            assert image.size == ((224, 224) if frames > 1 else (224 * 6, 224))


def test_a_way_leads_through_several_points(playground: Playground) -> None:
    page = playground.open("?view=interpolate&path=-2,0;2,0.5&steps=4&at=0,0,8")
    box = page.locator("latent-map").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile("path=-2,0;2,0.5;0,0"))
    expect(page.locator(".strip canvas")).to_have_count(7)
    page.get_by_role("group", name="Go on to a class").get_by_role("button", name="6").click()
    expect(page.locator(".strip canvas")).to_have_count(10)
    page.get_by_role("button", name="Leave out A").click()
    expect(page.locator(".strip canvas")).to_have_count(7)
    page.get_by_role("button", name="on an arc").click()
    expect(page).to_have_url(re.compile("method=slerp"))


@pytest.mark.parametrize("model", ["mnist-2d", "mnist-16d-conditional"])
def test_a_way_through_several_points_is_saved_as_one_file(playground: Playground, model: str) -> None:
    dim = 16 if "16d" in model else 2
    path = ";".join(",".join([place, *(dim - 1) * ["0"]]) for place in ("-1", "1", "0.5", "-0.5"))
    page = playground.open(f"?view=interpolate&model={model}&path={path}&labels=1,7,7,3&steps=4&speed=80")
    expect(page.locator("#save")).to_contain_text("Save A → B → C → D")
    expect(page.locator(".strip canvas")).to_have_count(10)
    with page.expect_download() as download:
        page.locator("#save").get_by_role("link", name="GIF", exact=True).click()
    with Image.open(download.value.path()) as image:
        assert getattr(image, "n_frames", 1) == 10
        assert image.info["duration"] == 80
    with page.expect_download() as download:
        page.locator("#save").get_by_role("link", name="PNG strip", exact=True).click()
    assert read_png(download.value.path().read_bytes()).shape == (224, 2240, 3)
    href = page.locator("#save").get_by_role("link", name="PNG strip", exact=True).get_attribute("href")
    assert href
    strip = read_png(playground.get(href.replace("scale=8", "scale=1"))).astype(int)
    for i in range(10):
        shown = read_pixels(page.locator(".strip canvas").nth(i)).astype(int)
        assert np.abs(strip[:, 28 * i : 28 * (i + 1)] - shown).max() <= 2, i


def test_the_frames_on_the_page_are_those_of_the_service(playground: Playground) -> None:
    query = "from=-2,1&to=2,0.5&steps=5&method=slerp"
    page = playground.open("?view=interpolate&path=-2,1;2,0.5&steps=5&method=slerp")
    expected = read_png(playground.get(f"/interpolate.png?{query}"))
    for i in range(5):
        shown = read_pixels(page.locator(".strip canvas").nth(i)).astype(int)
        assert np.abs(shown - expected[:, 28 * i : 28 * (i + 1)]).max() <= 2


def test_one_drawn_digit_gives_all_in_its_style(playground: Playground) -> None:
    page = playground.open("?view=hand")
    page.locator("#use-conditional").click()
    draw(page, THREE)
    expect(page.locator("#told")).to_have_text("Read as a 3.")
    sheet = [read_pixels(page.locator("#sheet canvas").nth(i)) for i in range(10)]
    assert len({picture.tobytes() for picture in sheet}) == 10
    phrase = page.locator("canvas.hand")
    width = phrase.evaluate("canvas => canvas.width")
    page.locator("#phrase").fill("26.11.2026")
    page.wait_for_function(f"() => document.querySelector('canvas.hand').width !== {width}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    saved = read_png(download.value.path().read_bytes())
    assert (saved == read_pixels(phrase)).all()
    command = page.locator("#view .line pre[aria-label=curl]").last.text_content()
    assert command
    assert re.search(r"/restyle\?labels=26112026&model=mnist-16d-conditional@", command)
    page.locator(".copy").nth(1).locator("summary").click()
    url = page.locator(".copy").nth(1).locator("pre").first.inner_text()
    image = read_png(playground.get(url.partition(playground.address)[2]))
    assert image.shape == (112, 1120, 3)


def read_z(page: Page, before: str) -> np.ndarray[Any, Any]:
    """The vector in the page's address, once that is no longer the one before."""
    expect(page).not_to_have_url(before)
    found = re.search(r"[?&]z=([^&]+)", page.url)
    assert found
    return np.array([float(number) for number in found[1].split(",")])


def test_several_drawings_make_one_style(playground: Playground) -> None:
    slanted = [[(x + 0.3 * (0.5 - y), y) for x, y in stroke] for stroke in THREE]
    page = playground.open("?view=hand&model=mnist-16d-conditional")
    before = page.url
    draw(page, THREE)
    first = read_z(page, before)
    page.get_by_role("button", name="Keep it, and draw another").click()
    expect(page.locator("#reading")).to_be_empty()
    before = page.url
    draw(page, slanted)
    expect(page.locator("#mean")).to_contain_text("The style is the mean of 2 drawings.")
    both = read_z(page, before)
    page.get_by_role("button", name="Start over").click()
    before = page.url
    draw(page, slanted)
    expect(page.locator("#told")).to_be_visible()
    second = read_z(page, before)
    expect(page.locator("#mean")).not_to_contain_text("mean of")
    assert not np.allclose(first, second, atol=0.1)
    np.testing.assert_allclose(both, (first + second) / 2, atol=2e-3)


def test_a_lasso_and_a_class_make_a_direction(playground: Playground) -> None:
    page = playground.open("?view=arithmetic&z=0.5,0.5&at=0,0,8")
    before = read_pixels(page.locator("#sum"))
    page.locator("#lasso-from").click()
    box = page.locator("latent-map").bounding_box()
    assert box
    left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(left - 80, top - 80)
    page.mouse.down()
    for right, down in ((80, -80), (80, 80), (-80, 80)):
        page.mouse.move(left + right, top + down, steps=3)
    page.mouse.up()
    expect(page.get_by_role("heading", name="From")).to_contain_text("lassoed")
    page.get_by_role("group", name="to class").get_by_role("button", name="6").click()
    expect(page.get_by_role("heading", name="To")).to_contain_text("all 6")
    page.wait_for_timeout(200)
    assert (read_pixels(page.locator("#sum")) != before).any()
    page.get_by_role("button", name="Make it the current one").click()
    expect(page).not_to_have_url(re.compile("z=0.5,0.5"))


@pytest.mark.parametrize("view", ["map", "generate", "interpolate", "arithmetic"])
def test_lines_to_copy_ask_for_what_is_shown(playground: Playground, view: str) -> None:
    page = playground.open(f"?view={view}&model=mnist-16d-conditional&label=2")
    details = page.locator("details.copy").last
    details.locator("summary").click()
    lines = [details.locator("pre").nth(i).inner_text() for i in range(4)]
    assert lines[0] in lines[1]
    assert lines[0] in lines[3]
    with Image.open(io.BytesIO(playground.get(lines[0].partition(playground.address)[2]))) as image:
        image.load()
    compile(lines[2], "snippet", "exec")
    assert f'Client("http://{playground.address}")' in lines[2]
