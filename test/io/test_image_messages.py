"""Message -> array, against pixels written down by hand."""

from __future__ import annotations

import re
from array import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from image_fields import ENCODINGS, bytes_per_pixel, message, rows_of

from motion_seg_ros.errors import FrameError
from motion_seg_ros.io.image_messages import (
    encoding_of,
    image_to_array,
    image_to_bgr,
)

# Two rows of two pixels, blue, green, red.
BGR = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]], np.uint8)


def compressed(data: bytes, format_: str = "jpeg") -> Any:
    return SimpleNamespace(format=format_, data=array("B", data))


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("bgr8", BGR),
        ("8UC3", BGR),
        ("rgb8", BGR[..., ::-1]),
        ("bgra8", np.dstack([BGR, np.full((2, 2), 7, np.uint8)])),
        ("8UC4", np.dstack([BGR, np.full((2, 2), 7, np.uint8)])),
        ("rgba8", np.dstack([BGR[..., ::-1], np.full((2, 2), 7, np.uint8)])),
        ("bgr16", BGR.astype(np.uint16) * 257),
        ("rgb16", BGR[..., ::-1].astype(np.uint16) * 257),
        ("bgra16", np.dstack([BGR, BGR[..., :1]]).astype(np.uint16) * 257),
        ("rgba16", np.dstack([BGR[..., ::-1], BGR[..., :1]]).astype(np.uint16) * 257),
    ],
)
@pytest.mark.parametrize("pad", [0, 1, 6])
@pytest.mark.parametrize("big", [False, True])
def test_colours(encoding: str, pixels: np.ndarray, pad: int, big: bool) -> None:
    msg = message(pixels, encoding, pad=pad, big=big)
    np.testing.assert_array_equal(image_to_array(msg), pixels)
    np.testing.assert_array_equal(image_to_bgr(msg), BGR)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey(encoding: str) -> None:
    grey = np.array([[0, 100, 255]], np.uint8)
    np.testing.assert_array_equal(
        image_to_bgr(message(grey, encoding, pad=3)), np.dstack([grey] * 3)
    )


@pytest.mark.parametrize("encoding", ["mono16", "16UC1"])
@pytest.mark.parametrize("big", [False, True])
def test_sixteen_bits_are_scaled_and_rounded(encoding: str, big: bool) -> None:
    # round(v * 255 / 65535): 128 / 257 = 0.498, 129 / 257 = 0.502
    values = np.array([[0, 128, 129, 257, 32896, 65535]], np.uint16)
    expected = np.array([[0, 0, 1, 1, 128, 255]], np.uint8)
    msg = message(values, encoding, big=big, pad=2)
    np.testing.assert_array_equal(image_to_bgr(msg), np.dstack([expected] * 3))
    np.testing.assert_array_equal(image_to_array(msg), values)


@pytest.mark.parametrize(
    ("encoding", "red_at"),
    [
        ("bayer_rggb", (0, 0)),
        ("bayer_bggr", (1, 1)),
        ("bayer_gbrg", (1, 0)),
        ("bayer_grbg", (0, 1)),
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_bayer_red_scene(encoding: str, red_at: tuple[int, int], bits: int) -> None:
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[red_at[0] :: 2, red_at[1] :: 2] = 200
    pixels = mosaic if bits == 8 else mosaic.astype(np.uint16) * 257
    bgr = image_to_bgr(message(pixels, f"{encoding}{bits}"))
    np.testing.assert_array_equal(bgr[2:-2, 2:-2], np.broadcast_to([0, 0, 200], (4, 4, 3)))


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("yuv422", "UYVY"), ("uyvy", "UYVY"), ("yuv422_yuy2", "YUYV"), ("yuyv", "YUYV")],
)
def test_yuv(encoding: str, order: str) -> None:
    # ITU-R BT.601, studio range: Y 81 U 90 V 240 is pure red, Y 41 U 240 V 110 pure blue.
    def row(y: int, u: int, v: int) -> list[int]:
        return [{"Y": y, "U": u, "V": v}[letter] for letter in order] * 2

    pixels = np.array([row(81, 90, 240), row(41, 240, 110)], np.uint8).reshape(2, 4, 2)
    bgr = image_to_bgr(message(pixels, encoding, pad=4)).astype(int)
    assert np.abs(bgr[0] - [0, 0, 255]).max() <= 2
    assert np.abs(bgr[1] - [255, 0, 0]).max() <= 2


def bt_601(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 in studio range, from its luma weights .299, .587 and .114."""
    y, u, v = (255 / 219 * (y - 16.0), 255 / 224 * (u - 128.0), 255 / 224 * (v - 128.0))
    red, blue = y + 2 * (1 - 0.299) * v, y + 2 * (1 - 0.114) * u
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.stack([blue, green, red], axis=-1), 0, 255)


def semi_planar(encoding: str, *, pad: int = 0) -> tuple[Any, np.ndarray]:
    """A message of random Y, U and V, and the picture that it is."""
    rng = np.random.default_rng(5)
    height, width = 6, 8
    y = rng.integers(16, 236, (height, width))
    each = 1 if encoding == "nv24" else 2  # pixels a side with a colour in common
    u, v = rng.integers(60, 200, (2, height // each, width // each))
    pair = (v, u) if encoding == "nv21" else (u, v)
    chroma = np.stack(pair, axis=-1).reshape(height // each, -1)
    times = 2 if encoding == "nv24" else 1
    rows = [row.astype(np.uint8).tobytes() + b"\xaa" * pad for row in y]
    rows += [row.astype(np.uint8).tobytes() + b"\xaa" * pad * times for row in chroma]
    msg = message(y.astype(np.uint8), encoding, pad=pad)
    msg.data = array("B", b"".join(rows))
    u, v = (each_plane.repeat(each, 0).repeat(each, 1) for each_plane in (u, v))
    return msg, bt_601(y, u, v)


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
@pytest.mark.parametrize("pad", [0, 4])
def test_semi_planar_yuv(encoding: str, pad: int) -> None:
    msg, expected = semi_planar(encoding, pad=pad)
    assert np.abs(image_to_bgr(msg) - expected).max() <= 2
    if not pad:
        np.testing.assert_array_equal(image_to_array(msg).reshape(-1), np.asarray(msg.data))


@pytest.mark.parametrize("step", [0, 12, 16, 24])  # 12 = bytes / height, 16 = two channels
def test_semi_planar_yuv_without_padding_whatever_its_step(step: int) -> None:
    msg, expected = semi_planar("nv12")
    msg.step = step
    assert np.abs(image_to_bgr(msg) - expected).max() <= 2


def test_semi_planar_yuv_that_is_damaged() -> None:
    msg, _ = semi_planar("nv12", pad=4)
    msg.data = msg.data[:-1]
    with pytest.raises(FrameError, match=r"expected 108 bytes.*found 107: truncated"):
        image_to_bgr(msg)
    msg.height, msg.width = 5, 8
    with pytest.raises(FrameError, match="even height for nv12, found 8x5"):
        image_to_bgr(msg)


TYPES = {"8S": np.int8, "16S": np.int16, "32S": np.int32, "64F": np.float64, "16U": np.uint16}


@pytest.mark.parametrize("kind", sorted(TYPES))
@pytest.mark.parametrize("big", [False, True])
def test_types_of_opencv(kind: str, big: bool) -> None:
    dtype = np.dtype(TYPES[kind])
    low, high = (0, 1) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    stored = (low + BGR / 255 * (float(high) - low)).astype(dtype)
    for channels, pixels in (("3", stored), ("4", np.dstack([stored, stored[..., :1]]))):
        msg = message(pixels, f"{kind}C{channels}", big=big)
        assert np.abs(image_to_bgr(msg).astype(int) - BGR).max() <= 1
        np.testing.assert_array_equal(image_to_array(msg), pixels)
    for grey in (f"{kind}C", f"{kind}C1"):
        found = image_to_bgr(message(stored[..., 0], grey, big=big)).astype(int)
        assert np.abs(found - BGR[..., :1]).max() <= 1


def test_every_encoding_of_rolling_is_read_or_refused_by_name() -> None:
    for encoding in ENCODINGS:
        msg = message(np.zeros((8, 8 * bytes_per_pixel(encoding)), np.uint8), encoding)
        msg.width, msg.height = 8, 8
        msg.data = array("B", bytes(rows_of(encoding, 8) * msg.step))
        if encoding.endswith("C2") or encoding in ("32FC", "32FC1"):
            with pytest.raises(FrameError, match=rf"expected a .*{encoding}"):
                image_to_bgr(msg)
        else:
            assert image_to_bgr(msg).shape == (8, 8, 3)


@pytest.mark.parametrize("step", [0, 2, 4])  # left out; of one channel; of two
@pytest.mark.parametrize("encoding", ["bgr8", "mono16", "bayer_rggb8"])
def test_a_step_that_is_too_short_for_whole_pixels(encoding: str, step: int) -> None:
    """As of https://github.com/ros-drivers/usb_cam/issues/288."""
    kind = np.uint16 if encoding == "mono16" else np.uint8
    shape = (4, 6, 3) if encoding == "bgr8" else (4, 6)
    pixels = np.random.default_rng(1).integers(0, 255, shape).astype(kind)
    whole, wrong = message(pixels, encoding), message(pixels, encoding)
    wrong.step = step
    np.testing.assert_array_equal(image_to_bgr(wrong), image_to_bgr(whole))
    np.testing.assert_array_equal(image_to_array(wrong), pixels)


def test_depth_in_metres_is_no_camera_image() -> None:
    with pytest.raises(FrameError, match="depth encoding 32FC1"):
        image_to_bgr(message(np.ones((2, 2), np.float32), "32FC1"))


def test_arrays_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        image_to_array(message(BGR, "bgr8"))[0, 0] = 1


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ({"data": array("B", bytes(11))}, "expected 12 bytes.*found 11.*truncated"),
        ({"data": array("B", bytes(13))}, "expected 12 bytes.*found 13.*too long"),
        ({"data": array("B")}, "found 0.*truncated"),
        ({"step": 5, "data": array("B", bytes(10))}, "step of at least 6.*found 5"),
        ({"step": 0, "data": array("B")}, "step of at least 6.*found 0"),
        ({"step": 7}, "expected 14 bytes.*found 12"),
        ({"height": 0}, "at least one pixel, found 2x0"),
        ({"width": 0}, "at least one pixel, found 0x2"),
        ({"height": 2**32 - 1, "width": 2**32 - 1, "step": 2**32 - 1}, "step of at least"),
        ({"encoding": "nonsense"}, "encoding out of mono8.*'nonsense'"),
        ({"encoding": ""}, "encoding out of mono8.*''"),
        ({"encoding": "", "height": 0, "width": 0}, "at least one pixel, found 0x0"),
        ({"encoding": "yuv422_yuy2", "width": 3}, "even width.*3x2"),
    ],
)
def test_damaged_image(change: dict[str, Any], pattern: str) -> None:
    msg = message(BGR, "bgr8")
    vars(msg).update(change)
    for read in (image_to_bgr, image_to_array):
        with pytest.raises(FrameError, match=pattern) as caught:
            read(msg)
        assert "\n" not in str(caught.value)
        # Whoever has a recording of it cannot change what was sent.
        assert not re.search("driver|publisher|remap", caught.value.of_recording)


SCENE = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8), (80, 60))


def encoded(extension: str, image: np.ndarray = SCENE) -> bytes:
    return bytes(cv2.imencode(extension, image)[1])


def test_png_is_exact_and_jpeg_close() -> None:
    np.testing.assert_array_equal(image_to_bgr(compressed(encoded(".png"), "png")), SCENE)
    jpeg = image_to_bgr(compressed(encoded(".jpg"), "rgb8; jpeg compressed bgr8")).astype(int)
    assert np.abs(jpeg - SCENE).mean() < 4


@pytest.mark.parametrize("tail", [bytes(100), b"\xff\xda\x00\x08 the start of another scan"])
@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_what_follows_the_image_is_no_damage(kind: str, tail: bytes) -> None:
    assert image_to_bgr(compressed(encoded(kind) + tail)).shape == SCENE.shape


def test_end_marker_of_a_thumbnail_is_not_that_of_the_image() -> None:
    jpeg = encoded(".jpg")
    thumbnail = b"Exif\x00\x00" + encoded(".jpg", SCENE[::4, ::4])
    app1 = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = jpeg[:2] + app1 + jpeg[2:]
    assert image_to_bgr(compressed(whole)).shape == SCENE.shape
    with pytest.raises(FrameError, match="a JPEG without its end"):
        image_to_bgr(compressed(whole[: len(app1) + len(jpeg) // 2]))


def test_grey_and_16_bit_png() -> None:
    grey = np.array([[0, 129, 65535]], np.uint16)
    expected = np.dstack([np.array([[0, 1, 255]], np.uint8)] * 3)
    np.testing.assert_array_equal(
        image_to_bgr(compressed(encoded(".png", grey), "mono16; png compressed")), expected
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("order", "red_at"), [("rggb", (0, 0)), ("grbg", (0, 1))])
def test_a_mosaic_that_was_compressed_as_it_is(
    bits: int, order: str, red_at: tuple[int, int]
) -> None:
    mosaic = np.zeros((8, 8), np.uint16 if bits == 16 else np.uint8)
    mosaic[red_at[0] :: 2, red_at[1] :: 2] = 200 * (257 if bits == 16 else 1)
    name = f"bayer_{order}{bits}"
    png = compressed(encoded(".png", mosaic), f"{name}; png compressed ")
    np.testing.assert_array_equal(image_to_bgr(png), image_to_bgr(message(mosaic, name)))
    kept = compressed(encoded(".png", mosaic), f"{name}; jpeg compressed bayer_{order}8")
    np.testing.assert_array_equal(image_to_bgr(kept), image_to_bgr(png))
    inner = image_to_bgr(png)[2:-2, 2:-2]
    np.testing.assert_array_equal(inner, np.broadcast_to([0, 0, 200], (4, 4, 3)))


def test_what_was_converted_before_compression_is_no_mosaic() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (16, 16)).astype(np.uint8)
    png = compressed(encoded(".png", grey), "bayer_rggb8; jpeg compressed mono8")
    np.testing.assert_array_equal(image_to_bgr(png), np.dstack([grey] * 3))
    colours = compressed(encoded(".png"), "bayer_rggb8; jpeg compressed bgr8")
    np.testing.assert_array_equal(image_to_bgr(colours), SCENE)


@pytest.mark.parametrize(
    ("format_", "swapped"),
    [
        ("png", False),
        ("", False),
        ("rgb8", False),  # a codec should stand there
        ("rgb8; png compressed bgr8", False),
        ("bgr8; png compressed bgr8", False),
        ("nv12; png compressed bgr8", False),
        ("8UC3; png compressed ", False),
        ("rgb8; png compressed ", True),
        ("rgb8; jpeg compressed rgb8", True),
    ],
)
def test_colours_as_they_were_compressed(format_: str, swapped: bool) -> None:
    expected = SCENE[..., ::-1] if swapped else SCENE
    np.testing.assert_array_equal(image_to_bgr(compressed(encoded(".png"), format_)), expected)
    opaque = np.dstack([SCENE, np.full(SCENE.shape[:2], 9, np.uint8)])
    found = image_to_bgr(compressed(encoded(".png", opaque), format_))
    np.testing.assert_array_equal(found, expected)


def test_tiff() -> None:
    tiff = compressed(encoded(".tiff"), "bgr8; tiff compressed ")
    np.testing.assert_array_equal(image_to_bgr(tiff), SCENE)
    deep = SCENE[..., 0].astype(np.uint16) * 257
    tiff = compressed(encoded(".tiff", deep), "mono16; tiff compressed ")
    np.testing.assert_array_equal(image_to_bgr(tiff), np.dstack([SCENE[..., 0]] * 3))
    with pytest.raises(FrameError, match="neither of them"):
        image_to_bgr(compressed(encoded(".tiff"), "bgr8; png compressed bgr8"))


def test_webp() -> None:
    data = bytes(cv2.imencode(".webp", SCENE, [cv2.IMWRITE_WEBP_QUALITY, 101])[1])  # lossless
    np.testing.assert_array_equal(image_to_bgr(compressed(data, "webp")), SCENE)
    with pytest.raises(FrameError, match="whole JPEG or PNG"):
        image_to_bgr(compressed(data, "jpeg"))


def test_compressed_depth_is_no_picture() -> None:
    data = bytes(12) + encoded(".png", np.ones((4, 4), np.uint16))
    with pytest.raises(FrameError, match=r"compressed depth .*; remap") as caught:
        image_to_bgr(compressed(data, "16UC1; compressedDepth png"))
    assert "--depth-topic" in caught.value.of_recording


def test_exif_does_not_turn_the_image() -> None:
    jpeg = encoded(".jpg")
    # APP1 with one tag: orientation (0x0112) = 6, turned by 90 degrees.
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    app1 = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01" + tag + bytes(4)
    turned = jpeg[:2] + b"\xff\xe1" + (len(app1) + 2).to_bytes(2, "big") + app1 + jpeg[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (80, 60, 3)
    assert image_to_bgr(compressed(turned)).shape == (60, 80, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage" * 30,
        encoded(".jpg")[: len(encoded(".jpg")) // 2],
        encoded(".jpg")[:200],
        encoded(".jpg")[:-2],
        encoded(".png")[: len(encoded(".png")) // 2],
        encoded(".png")[:-12],
        encoded(".png")[:2000] + b"\x00\x00" + encoded(".png")[2002:],
    ],
    ids=["empty", "garbage", "half-jpeg", "headers", "no-eoi", "half-png", "no-iend", "png-crc"],
)
def test_damaged_compressed_image(data: bytes) -> None:
    with pytest.raises(FrameError, match="expected a whole JPEG or PNG") as caught:
        image_to_bgr(compressed(data, "jpeg"))
    assert "\n" not in str(caught.value)


def test_encoding_of() -> None:
    assert encoding_of(message(BGR, "rgb8")) == "rgb8"
    assert encoding_of(compressed(b"", "jpeg")) == "jpeg"
