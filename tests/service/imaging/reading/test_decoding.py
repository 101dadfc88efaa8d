from __future__ import annotations

import io
import subprocess
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from service.core.errors import MalformedBodyError, MediaTypeError, QueueFullError, TooLargeError
from service.imaging.reading import apart, decoding, isobmff, webp_chunks
from service.imaging.reading.container import read_container
from service.imaging.reading.decoding import decode, upload_size

MAX_PIXELS = 16_000_000
PATCH = (40, 30, 70, 50)


def draw(mode: str = "RGB", size: tuple[int, int] = (120, 80)) -> Image.Image:
    """A dark patch on a light ground, of which neither turn is like another."""
    grey = Image.new("L", size, 230)
    grey.paste(20, PATCH)
    if mode == "I;16":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    if mode in ("F", "I"):
        return Image.fromarray(np.asarray(grey).astype(np.float32 if mode == "F" else np.int32))
    if mode == "1":
        return grey.point(lambda level: 255 * (level > 99), "1")
    return grey.convert("RGB").convert(mode)


def write(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read_grey(content: bytes) -> np.ndarray[Any, Any]:
    image = decode(content, "body", MAX_PIXELS)
    if image.mode.startswith("I"):
        return np.asarray(image) / 65535
    return np.asarray(image.convert("RGB").convert("L")) / 255


def stop() -> None:
    raise InterruptedError("enough")


WRITTEN = [
    *[("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
    *[("JPEG", mode, {}) for mode in ("L", "RGB", "CMYK")],
    ("JPEG", "RGB", {"progressive": True}),
    ("MPO", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (120, 80), "red")]}),
    *[("WEBP", mode, {"lossless": lossless}) for mode in ("RGB", "RGBA") for lossless in (True, False)],
    ("WEBP", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (120, 80), "red")]}),
    *[("GIF", mode, {}) for mode in ("1", "L", "P", "RGB")],
    ("GIF", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (120, 80), "red")]}),
    ("GIF", "P", {"interlace": 1, "comment": b"c" * 3000}),
    *[("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")],
    *[("TIFF", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")],
    *[("TIFF", "RGB", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits")],
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (120, 80), "red")]}),
    *[("AVIF", mode, {"quality": 90}) for mode in ("L", "RGB", "RGBA")],
    *[("HEIF", mode, {"quality": 90}) for mode in ("L", "RGB", "RGBA")],
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _heic() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


@pytest.mark.parametrize(("kind", "mode", "options"), WRITTEN)
def test_what_others_write_is_read(kind: str, mode: str, options: dict[str, Any]) -> None:
    grey = read_grey(write(draw(mode), kind, **options))
    assert grey.shape == (80, 120)
    inside, outside = grey[32:48, 42:68], np.concatenate([grey[:26], grey[54:]])
    assert inside.max() < 0.25
    assert outside.min() > 0.75


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("turn", [1, 6])
def test_the_size_of_an_upload_is_kept(kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    # Just enough for it to be reduced: to encode more takes long.
    expected = (2096, 1400)
    image = decode(write(draw(size=expected), kind, exif=exif.tobytes()), "body", MAX_PIXELS)
    assert upload_size(image) == (expected if turn == 1 else expected[::-1])
    assert max(image.size) < 2048


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("turn", [1, 3, 6, 8, 5])
def test_a_camera_may_turn_each_format(kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    image = draw()
    marked = image.copy()
    marked.getexif()[ExifTags.Base.Orientation] = turn
    expected = np.asarray(ImageOps.exif_transpose(marked).convert("L")) / 255
    found = read_grey(write(image, kind, exif=exif.tobytes()))
    assert found.shape == expected.shape
    assert abs(found - expected).mean() < 0.02


@pytest.mark.parametrize(
    ("size", "decoded"),
    [
        ((1999, 1000), (1999, 1000)),
        ((2000, 1500), (1000, 750)),
        ((4032, 3024), (1008, 756)),
        ((3024, 4033), (756, 1009)),
        ((9001, 5), (1126, 1)),
    ],
)
def test_a_large_jpeg_is_decoded_at_a_fraction(size: tuple[int, int], decoded: tuple[int, int]) -> None:
    content = write(Image.new("RGB", size, "white"), "JPEG")
    found = decode(content, "body", MAX_PIXELS).size
    assert abs(found[0] - decoded[0]) <= 1
    assert abs(found[1] - decoded[1]) <= 1


def test_a_jpeg_may_have_sixteen_times_the_pixels() -> None:
    content = write(Image.new("L", (4000, 4000)), "JPEG")
    assert decode(content, "body", 1_000_000).size == (1000, 1000)
    with pytest.raises(TooLargeError, match="at most 15999984 pixels, received 4000 x 4000"):
        decode(content, "body", 999_999)


def mutate_pixels(content: bytes, random: np.random.RandomState) -> bytes:
    """Change the compressed pixels of a PNG with one chunk of them, whose checksum is made right again."""
    start = content.index(b"IDAT")
    end = start + 4 + int.from_bytes(content[start - 4 : start], "big")
    pixels = bytearray(content[start + 4 : end])
    for place in random.randint(0, len(pixels), random.randint(0, 4)):
        pixels[place] ^= 1 << random.randint(8)
    pixels = pixels[: random.randint(len(pixels))] if random.randint(4) == 0 else pixels
    chunk = b"IDAT" + bytes(pixels + random.bytes(random.randint(3)))
    checksum = zlib.crc32(chunk).to_bytes(4, "big")
    return content[: start - 4] + (len(chunk) - 4).to_bytes(4, "big") + chunk + checksum + content[end + 4 :]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_plain_png_is_read_alike_at_once_and_as_a_file(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(content: bytes) -> str | tuple[str, bytes]:
        try:
            image = decode(content, "body", MAX_PIXELS)
        except MalformedBodyError as error:
            return str(error)
        assert upload_size(image) == (120, 80)
        return image.mode, image.tobytes()

    random = np.random.RandomState(0)
    content = write(draw(mode), "PNG")
    files = [content, *(mutate_pixels(content, random) for _ in range(300))]
    at_once = [read(file) for file in files]
    monkeypatch.setattr(decoding, "AT_ONCE_PIXELS", 0)
    assert [read(file) for file in files] == at_once
    assert len({type(found) for found in at_once}) == 2


@pytest.mark.parametrize(
    ("mode", "options", "packed"),
    [("L", {}, "L"), ("RGB", {}, "RGB"), ("RGB", {"transparency": (1, 2, 3)}, None), ("L", {"bits": 4}, None)]
    + [(mode, {}, None) for mode in ("1", "P", "I;16")],
)
def test_only_pixels_of_8_bits_that_are_the_colour_are_plain(
    mode: str, options: dict[str, Any], packed: str | None
) -> None:
    file = read_container(write(draw(mode), "PNG", **options), "body", MAX_PIXELS)
    assert (file.packed and file.packed[0]) == packed


@pytest.mark.parametrize("place", [26, 27, 28])
def test_a_png_packed_another_way_is_not_plain(place: int) -> None:
    content = bytearray(write(draw("L"), "PNG"))
    content[place] = 1
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    assert read_container(bytes(content), "body", MAX_PIXELS).packed is None


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_what_is_decoded_whole_keeps_the_limit(kind: str) -> None:
    content = write(Image.new("L", (100, 100)).convert("RGB"), kind)
    assert decode(content, "body", 10_000).size == (100, 100)
    with pytest.raises(TooLargeError, match="at most 9999 pixels, received 100 x 100"):
        decode(content, "body", 9999)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_phones_may_send_four_times_the_pixels(kind: str) -> None:
    content = write(Image.new("RGB", (200, 100)), kind)
    assert decode(content, "body", 5000).size == (200, 100)
    with pytest.raises(TooLargeError, match="at most 19996 pixels, received 200 x 100"):
        decode(content, "body", 4999)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_a_file_that_ends_early_is_refused(kind: str) -> None:
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (32, 32, 3), np.uint8))
    content = write(noise, kind)
    for length in range(0, len(content) - 12, len(content) // 8):
        with pytest.raises(MalformedBodyError):
            decode(content[:length], "body", MAX_PIXELS)


def test_without_its_library_heic_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    content = write(draw(), "HEIF")
    monkeypatch.setattr(isobmff, "has_heic", lambda: False)
    with pytest.raises(MediaTypeError, match=r"a PNG, JPEG or WebP file; HEIC is read where .* extra heic"):
        read_container(content, "body", MAX_PIXELS)


def test_a_lossless_webp_with_room_for_many_codes_is_decoded_apart() -> None:
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (400, 400, 3), np.uint8))
    large = write(noise, "WEBP", lossless=True)
    small = write(noise.crop((0, 0, 360, 360)), "WEBP", lossless=True)
    assert read_container(large, "body", MAX_PIXELS).apart
    assert not read_container(small, "body", MAX_PIXELS).apart
    np.testing.assert_array_equal(np.asarray(decode(large, "body", MAX_PIXELS)), np.asarray(noise))
    assert webp_chunks.MAX_SETS * webp_chunks.SET_SIDE**2 == 131_072


def test_alpha_counts_as_a_lossless_picture_of_its_own() -> None:
    noise = np.random.RandomState(0).randint(0, 256, (500, 500, 4), np.uint8)
    content = write(Image.fromarray(noise), "WEBP", quality=80)
    assert read_container(content, "body", MAX_PIXELS).apart
    decoded = np.asarray(decode(content, "body", MAX_PIXELS))
    np.testing.assert_array_equal(decoded[..., 3], noise[..., 3])


def test_only_the_first_frame_is_passed_on() -> None:
    frames = [Image.fromarray(np.random.RandomState(i).randint(0, 256, (64, 64), np.uint8)) for i in range(9)]
    for kind in ("GIF", "WEBP"):
        whole = write(frames[0], kind, save_all=True, append_images=frames[1:])
        assert len(read_container(whole, "body", MAX_PIXELS).content) < len(whole) / 6


def test_a_gif_may_not_have_a_million_blocks() -> None:
    content = write(Image.new("L", (4, 4)), "GIF")
    head = content[: content.index(b",")]
    for blocks in (b"!\xfe" + b"\1c" * 200_000 + b"\0", b"!\xfe\0" * 200_000):
        with pytest.raises(TooLargeError, match="at most 100000 blocks before the second frame"):
            read_container(head + blocks + content[len(head) :], "body", MAX_PIXELS)


def test_a_frame_beyond_its_screen_counts() -> None:
    content = bytearray(write(Image.new("L", (4, 4)), "GIF"))
    start = content.index(b",")
    content[start + 1 : start + 3] = b"\xff\xff"
    with pytest.raises(TooLargeError, match="sides of at most 65535 pixels, received 65539 x 4"):
        read_container(bytes(content), "body", MAX_PIXELS)


def test_long_run_lengths_of_a_bmp_are_refused() -> None:
    head = b"BM" + bytes(12) + (40).to_bytes(4, "little") + (64).to_bytes(4, "little") * 2
    head += b"\1\0\x08\0" + (1).to_bytes(4, "little") + bytes(20)
    with pytest.raises(TooLargeError, match="at most 524288 bytes of run lengths"):
        read_container(head + bytes(600_000), "body", MAX_PIXELS)


def test_one_process_decodes_large_pictures_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LARGE_PIXELS", 100)
    content = write(draw(), "TIFF")
    file = read_container(content, "body", MAX_PIXELS)
    decoder = apart.ProcessDecoder()
    with decoder._take_turn(file, lambda: None), pytest.raises(InterruptedError, match="enough"):
        decoder.decode(file, "body", stop)
    assert decoder.decode(file, "body", lambda: None).size == (120, 80)


@pytest.mark.parametrize(("memory", "seconds"), [("64", 3), ("768", 0)])
def test_a_process_that_takes_more_than_it_may_is_ended(
    monkeypatch: pytest.MonkeyPatch, memory: str, seconds: int
) -> None:
    monkeypatch.setattr(apart, "_limit_memory", lambda: int(memory) * 2**20)
    monkeypatch.setattr(apart, "MAX_CPU_S", seconds)
    content = write(Image.new("RGB", (4000, 3000)), "TIFF", compression="tiff_lzw")
    with pytest.raises(
        TooLargeError, match=f"decoded in {memory} MiB of memory and {seconds} s of processor"
    ):
        decode(content, "body", MAX_PIXELS)


def test_where_no_process_can_start_the_client_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")  # as where a container's limit is reached

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(QueueFullError):
        decode(write(draw(), "AVIF"), "body", MAX_PIXELS)


def test_a_process_ends_when_nobody_waits_for_it() -> None:
    content = write(
        Image.fromarray(np.random.RandomState(0).randint(0, 256, (3000, 4000, 3), np.uint8)), "TIFF"
    )
    begun = time.monotonic()
    with pytest.raises(InterruptedError, match="enough"):
        decode(content, "body", MAX_PIXELS, stop)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "PNG", "JPEG"])
def test_no_decoder_holds_the_interpreter_for_long(kind: str) -> None:
    content = write(Image.effect_noise((999, 999), 50).convert("RGB"), kind)
    assert not read_container(content, "body", MAX_PIXELS).apart
    assert min(longest_pause(content) for _ in range(5)) < 0.05


def longest_pause(content: bytes) -> float:
    """How long another thread waited at most while a picture was decoded."""
    pauses = [0.0]
    with ThreadPoolExecutor(1) as pool:
        decoding = pool.submit(decode, content, "body", MAX_PIXELS)
        while not decoding.done():
            begun = time.perf_counter()
            time.sleep(0.001)
            pauses.append(time.perf_counter() - begun)
    return max(pauses)


def test_a_webp_without_a_frame_is_damaged() -> None:
    head = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + (27).to_bytes(3, "little") * 2
    content = b"RIFF" + (4 + len(head)).to_bytes(4, "little") + b"WEBP" + head
    with pytest.raises(MalformedBodyError, match="without a frame"):
        read_container(content, "body", MAX_PIXELS)
