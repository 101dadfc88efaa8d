from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import DeadlineError, InvalidValueError, MalformedBodyError, TooLargeError
from service.http.bodies.forms import MAX_HEAD_BYTES, MAX_TEXT_BYTES, PIECE_BYTES, Part, parse_form
from tests.service.bombs import form_of_parts

TYPE = "multipart/form-data; boundary=b"
DISPOSITION = b'Content-Disposition: form-data; name="a"'


def parse(content: bytes, content_type: str = TYPE, max_parts: int = 100) -> list[Part]:
    return parse_form(content, content_type, max_parts)


def part(content: bytes, head: bytes = DISPOSITION) -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", []),
        (b"--b--", []),
        (part(b"one") + b"--b--\r\n", [("a", b"one", False)]),
        (part(b"") + b"--b--", [("a", b"", False)]),
        (b"--b\r\n" + DISPOSITION + b"\r\n\r\n--b--", [("a", b"", False)]),
        (b"before\r\n" + part(b"one") + b"--b--\r\nafter", [("a", b"one", False)]),
        (part(b"1").replace(b"--b", b"--b \t") + b"--b--", [("a", b"1", False)]),
        (part(b"\r\n--\r\n-") * 2 + b"--b--", [("a", b"\r\n--\r\n-", False)] * 2),
        (part(b"x", DISPOSITION + b'; filename="f.png"') + b"--b--", [("a", b"x", True)]),
        (part(b"x", b"Content-Type: image/png\r\ncontent-disposition:form-data;name=a") + b"--b--",
         [("a", b"x", False)]),
        (part(b"x", 'Content-Disposition: form-data; name="ä"'.encode()) + b"--b--", [("ä", b"x", False)]),
    ],
)  # fmt: skip
def test_a_form_has_its_parts(content: bytes, parts: list[tuple[str, bytes, bool]]) -> None:
    assert parse(content) == parts


@pytest.mark.parametrize("boundary", ["b", '"b"', "b; charset=utf-8"])
def test_a_boundary_may_be_quoted(boundary: str) -> None:
    assert parse(part(b"1") + b"--b--", f"multipart/form-data; boundary={boundary}") == [("a", b"1", False)]


@pytest.mark.parametrize(
    "content",
    [
        b"junk",
        b"--b",
        b"--b\r\n",
        part(b"one"),
        part(b"one")[:-3],
        part(b"one") + b"--bb--",
        part(b"one", b"Content-Type: image/png") + b"--b--",
        part(b"one", b'Content-Disposition: form-data; filename="a"') + b"--b--",
        b"--b\r\n" + DISPOSITION + b"\r\n--b--",
        part(b"one").replace(b"\r\n", b"\n") + b"--b--\n",
    ],
)
def test_what_is_no_whole_form_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="body: expected multipart/form-data, received"):
        parse(content)


@pytest.mark.parametrize("boundary", ["", "; boundary=", '; boundary=""', f"; boundary={'b' * 71}"])
def test_a_boundary_has_1_to_70_bytes(boundary: str) -> None:
    with pytest.raises(MalformedBodyError, match=r"a boundary of [0-9]+ bytes, of 1 to 70"):
        parse(part(b"1") + b"--b--", f"multipart/form-data{boundary}")


def test_a_boundary_is_not_searched_for_in_a_long_header() -> None:
    with pytest.raises(MalformedBodyError, match="a Content-Type of 60021 bytes, of at most 1024"):
        parse(part(b"1") + b"--b--", "multipart/form-data; b" + ";" * 59_999)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (form_of_parts(200_000), "a form of at most 100 parts"),
        (form_of_parts(1, headers=b"a: b\r\n" * 2_000_000), f"heads have at most {MAX_HEAD_BYTES} bytes"),
        (form_of_parts(1, name=b"a" * 12_000_000), f"heads have at most {MAX_HEAD_BYTES} bytes"),
    ],
)
def test_large_forms_of_little_are_refused_at_once(content: bytes, says: str) -> None:
    assert len(content) > 10_000_000
    begun = time.thread_time()
    with pytest.raises(TooLargeError, match=says):
        parse(content)
    assert time.thread_time() - begun < 0.1


@pytest.mark.parametrize("filling", [b"\r\n", b"\r\n--", b"\r\n--" + b"-" * 59, b"\0"])
def test_what_looks_like_the_boundary_costs_no_more(filling: bytes) -> None:
    content = form_of_parts(1, boundary=b"-" * 60, content=filling * (8_000_000 // len(filling)))
    begun = time.thread_time()
    parts = parse(content, f"multipart/form-data; boundary={'-' * 60}")
    assert [len(part.content) // 2**20 for part in parts] == [7]
    assert time.thread_time() - begun < 0.5


@given(st.integers(-80, 80), st.text("b-", min_size=1, max_size=70))
def test_a_boundary_is_found_wherever_pieces_meet(shift: int, boundary: str) -> None:
    content = b"x" * (PIECE_BYTES + shift - 100)
    body = form_of_parts(2, boundary=boundary.encode(), content=content)
    parts = parse(body, f"multipart/form-data; boundary={boundary}")
    assert [len(part.content) for part in parts] == [len(content)] * 2


def test_a_text_has_a_limit_and_is_utf_8() -> None:
    assert Part("a", "ä".encode(), False).text == "ä"
    with pytest.raises(TooLargeError, match=f"a: expected a text of at most {MAX_TEXT_BYTES} bytes"):
        assert Part("a", b"1" * (MAX_TEXT_BYTES + 1), False).text
    with pytest.raises(InvalidValueError, match="a: expected a text in UTF-8"):
        assert Part("a", b"\xe4", False).text


def test_parsing_ends_when_nobody_waits() -> None:
    def check() -> None:
        raise DeadlineError("too late")

    with pytest.raises(DeadlineError):
        parse_form(form_of_parts(2), TYPE, 100, check)


def test_a_long_name_is_cut() -> None:
    assert len(parse(form_of_parts(1, name=b"n" * 2000))[0].name) <= 80


@pytest.mark.parametrize("boundary", ["b", "-" * 69 + "b", "a'b+c_d.e-f", "WebKit0aZ"])
@pytest.mark.parametrize("space", ["", " ", "  "])
def test_a_plain_boundary_is_read_as_any_other(boundary: str, space: str) -> None:
    content = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--{boundary}--'
    for name in ("multipart/form-data", "Multipart/Form-Data"):
        kind = f"{name};{space}boundary={boundary}"
        assert parse(content.encode(), kind) == [("a", b"1", False)]


def test_a_boundary_of_71_bytes_is_refused() -> None:
    with pytest.raises(MalformedBodyError, match="a boundary of 71 bytes, of 1 to 70"):
        parse(b"--", "multipart/form-data; boundary=" + "b" * 71)
