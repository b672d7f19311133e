"""Image messages of strangers: pixels or a refusal, at a cost that follows from their size."""

from __future__ import annotations

import io
import struct
import zlib
from array import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from hostile import FLOATS, NUMBERS, TEXTS, attempt, damaged, memory_at_most, share
from hypothesis import given
from hypothesis import strategies as st
from image_fields import ENCODINGS, bytes_per_pixel, rows_of
from PIL import Image

from motion_seg_ros.errors import FrameError
from motion_seg_ros.io.depth_messages import DEPTH_ENCODINGS, depth_to_metres
from motion_seg_ros.io.image_messages import (
    image_to_array,
    image_to_bgr,
)

COPIES = 24
"""Bytes that a byte of pixels may cost: one of mono8 becomes 3, and some are converted twice."""
SIZES = st.sampled_from([0, 1, 2, 3, 4, 5, 7, 16, 31, 64])
SCENE = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8), (80, 60))


@st.composite
def images(draw: st.DrawFn, encodings: tuple[str, ...] = ENCODINGS) -> Any:
    """An Image that a camera might send, with up to three fields replaced."""
    encoding = draw(st.sampled_from(encodings))
    height, width = draw(SIZES), draw(SIZES)
    step = width * bytes_per_pixel(encoding) + draw(st.sampled_from([0, 0, 0, 1, 2, 13]))
    content = draw(st.sampled_from([0, 1, 127, 255]))
    fields: dict[str, Any] = {
        "height": height,
        "width": width,
        "encoding": encoding,
        "is_bigendian": draw(st.sampled_from([0, 1, 0, 1, 2, 255])),
        "step": step,
        "data": array("B", bytes([content]) * (rows_of(encoding, height) * step)),
    }
    others = {
        "height": NUMBERS,
        "width": NUMBERS,
        "step": NUMBERS,
        "encoding": TEXTS | st.sampled_from(ENCODINGS),
        "data": st.binary(max_size=40).map(lambda data: array("B", data)),
    }
    for name in draw(st.lists(st.sampled_from(sorted(others)), max_size=3, unique=True)):
        fields[name] = draw(others[name])
    return SimpleNamespace(**fields)


@share(0.3)
@given(images())
def test_image(msg: Any) -> None:
    with memory_at_most(COPIES * len(msg.data)):
        bgr = attempt(lambda: image_to_bgr(msg), FrameError)
    if bgr is None:
        return
    assert (bgr.shape, bgr.dtype) == ((msg.height, msg.width, 3), np.uint8)
    rows, least = rows_of(msg.encoding, msg.height), msg.width * bytes_per_pixel(msg.encoding)
    if (msg.encoding.startswith("nv") or msg.step < least) and len(msg.data) == rows * least:
        msg.step = least  # where nothing is padded it does not count
    assert len(msg.data) == rows * msg.step
    assert msg.step >= least
    assert image_to_array(msg).shape[:2] == (rows, msg.width)


@share(0.15)
@given(images(DEPTH_ENCODINGS), st.lists(FLOATS, min_size=1, max_size=4))
def test_depth(msg: Any, values: list[float]) -> None:
    with np.errstate(over="ignore"):
        some = np.array(values).astype(np.float32).tobytes()
    msg.data = array("B", (some * (len(msg.data) // len(some) + 1))[: len(msg.data)])
    with memory_at_most(COPIES * len(msg.data)):
        metres = attempt(lambda: depth_to_metres(msg), FrameError)
    if metres is None:
        return
    assert (metres.shape, metres.dtype) == ((msg.height, msg.width), np.float32)
    assert (np.isnan(metres) | (np.isfinite(metres) & (metres > 0))).all()


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(SCENE).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_header(
    height: int, width: int, depth: int = 8, colour: int = 0, interlaced: int = 0
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


PNG = b"\x89PNG\r\n\x1a\n"


def png(*chunks: bytes) -> bytes:
    return b"".join((PNG, *chunks, chunk(b"IEND", b"")))


def packed(count: int) -> bytes:
    """A chunk of `count` zeros."""
    return chunk(b"IDAT", zlib.compress(bytes(count), 9))


FILES = [
    jpeg(),
    jpeg("L"),
    jpeg(progressive=True),
    jpeg("CMYK"),
    bytes(cv2.imencode(".jpg", SCENE, [cv2.IMWRITE_JPEG_RST_INTERVAL, 3])[1]),
    bytes(cv2.imencode(".png", SCENE)[1]),
    bytes(cv2.imencode(".png", SCENE.astype(np.uint16) * 257)[1]),
    png(png_header(8, 8, 1, 3), chunk(b"PLTE", bytes(6)), packed(16)),
    png(png_header(8, 8, interlaced=1), chunk(b"tEXt", b"Comment\0hello"), packed(90)),
]


@st.composite
def resized(draw: st.DrawFn, data: bytes) -> bytes:
    """A JPEG or PNG whose header declares another size, with the right checksum."""
    height, width = draw(NUMBERS), draw(NUMBERS)
    if data.startswith(PNG):
        depth = draw(st.sampled_from([data[24], 1, 8, 16, 0]))
        colour = draw(st.sampled_from([data[25], 0, 2, 3, 6, 7]))
        return PNG + png_header(height, width, depth, colour) + data[33:]
    at = next(data.index(b"\xff" + kind) for kind in (b"\xc0", b"\xc2") if b"\xff" + kind in data)
    size = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
    frame = data[at : at + 5] + size + data[at + 9 :]
    # The header may come twice, with different sizes.
    return data[:at] + frame if draw(st.booleans()) else data[:at] + data[at : at + 19] + frame


compressed_files = st.sampled_from(FILES).flatmap(
    lambda data: damaged(data) | resized(data) | resized(data).flatmap(damaged)
)


@share(0.25)
@given(compressed_files, TEXTS)
def test_compressed_image(data: bytes, format_: str) -> None:
    msg = SimpleNamespace(format=format_, data=array("B", data))
    with memory_at_most(16 * 1032 * len(data)):
        bgr = attempt(lambda: image_to_bgr(msg), FrameError)
    if bgr is None:
        return
    assert (bgr.ndim, bgr.shape[2], bgr.dtype) == (3, 3, np.uint8)
    assert bgr.shape[0] * bgr.shape[1] <= 8 * 1032 * len(data)


DEPTH_PNG = bytes(cv2.imencode(".png", SCENE[..., 0].astype(np.uint16) * 40)[1])
depth_formats = st.sampled_from(DEPTH_ENCODINGS).flatmap(
    lambda encoding: st.sampled_from(["", "; compressedDepth png", "; compressedDepth rvl"]).map(
        lambda how: encoding + how
    )
)


@share(0.1)
@given(
    st.just(DEPTH_PNG) | damaged(DEPTH_PNG) | resized(DEPTH_PNG) | compressed_files,
    depth_formats | TEXTS,
    FLOATS,
    FLOATS,
)
def test_compressed_depth(file: bytes, format_: str, a: float, b: float) -> None:
    with np.errstate(over="ignore"):
        header = np.array([a, b]).astype(np.float32).tobytes()
    data = bytes(4) + header + file
    msg = SimpleNamespace(format=format_, data=array("B", data))
    with memory_at_most(16 * 1032 * len(data)):
        metres = attempt(lambda: depth_to_metres(msg), FrameError)
    if metres is None:
        return
    assert (metres.ndim, metres.dtype) == (2, np.float32)
    assert (np.isnan(metres) | (np.isfinite(metres) & (metres > 0))).all()
