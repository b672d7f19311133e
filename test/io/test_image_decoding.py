"""Image files that declare more than they hold are refused before a decoder reserves memory."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hostile import attempt, memory_at_most
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.image_decoding import MAX_PIXELS, decode_image
from motion_seg_ros.io.image_folder import ImageFolder
from motion_seg_ros.io.indexed_png import read_id_map, tells_objects_apart

SMALL = np.full((16, 16, 3), 90, np.uint8)
JPEG = bytes(cv2.imencode(".jpg", SMALL)[1])
PNG = b"\x89PNG\r\n\x1a\n"


def size_bytes(height: int, width: int) -> bytes:
    return struct.pack(">HH", height, width)


def declaring(height: int, width: int, jpeg: bytes = JPEG, frame: bytes = b"\xff\xc0") -> bytes:
    """A JPEG with another size in its frame header (ITU-T T.81, B.2.2)."""
    at = jpeg.index(frame) + 5
    return jpeg[:at] + size_bytes(height, width) + jpeg[at + 4 :]


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(height: int, width: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join((PNG, chunk(b"IHDR", header), *chunks, chunk(b"IEND", b"")))


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(2**20)) for _ in range(count >> 20)]
    return b"".join((*parts, packer.compress(bytes(count & (2**20 - 1))), packer.flush()))


def two_frames(first: tuple[int, int], second: tuple[int, int], between: bytes = b"") -> bytes:
    """A JPEG with two frame headers."""
    at = JPEG.index(b"\xff\xc0")
    frame = JPEG[at : at + 19]
    first_frame, second_frame = (
        frame[:5] + size_bytes(*size) + frame[9:] for size in (first, second)
    )
    return JPEG[:at] + first_frame + between + second_frame + JPEG[at + 19 :]


def hidden_frame() -> bytes:
    """A JPEG whose large frame a reader misses that takes FF01, which stands alone, for a segment:
    it goes on behind the large frame, within a comment, where a small one stands."""
    at = JPEG.index(b"\xff\xc0")
    frame = JPEG[at : at + 19]
    large = frame[:5] + size_bytes(30000, 30000) + frame[9:]
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(frame)) + frame
    alone = b"\xff\x01" + struct.pack(">H", 2 + len(large) + 4)
    return JPEG[:at] + alone + large + comment + JPEG[at + 19 :]


def many_scans(count: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(SMALL).save(file, "JPEG", progressive=True)
    jpeg = file.getvalue()
    start = jpeg.rindex(b"\xff\xda")
    return jpeg[:start] + jpeg[start:-2] * count + b"\xff\xd9"


BMP = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 60, 0, 0, 54, 40, 10000, 10000, 1, 8, *[0] * 6)
BOMBS: dict[str, tuple[bytes, str]] = {
    "jpeg": (declaring(32000, 32000), "32000x32000 pixels where 89478485 are the most"),
    "jpeg of a few MB": (declaring(9000, 9000), "9000x9000 pixels in bytes that hold"),
    "jpeg, large frame first": (two_frames((30000, 30000), (16, 16)), "30000x30000 pixels"),
    "jpeg, large frame last": (two_frames((16, 16), (30000, 30000)), "30000x30000 pixels"),
    "jpeg, frame in no segment": (hidden_frame(), "30000x30000 pixels"),
    "jpeg, arithmetic coding": (JPEG.replace(b"\xff\xc0", b"\xff\xc9"), "arithmetic"),
    "jpeg, a thousand scans": (many_scans(1000), "more than 50 scans"),
    "png": (png(30000, 30000, chunk(b"IDAT", zeros(10))), "30000x30000 pixels"),
    "png of a few MB": (png(3000, 3000, chunk(b"IDAT", zeros(10))), "3000x3000 pixels in bytes"),
    "png, 90 million pixels": (png(9500, 9500, chunk(b"IDAT", zeros(9500 * 9501))), "are the most"),
    "png, header late": (
        PNG + chunk(b"gAMA", bytes(4)) + png(30000, 30000, chunk(b"IDAT", zeros(10)))[8:],
        "30000x30000 pixels",
    ),
    "png, no header": (PNG + chunk(b"IDAT", zeros(10)) + chunk(b"IEND", b""), "without a header"),
    "png, short header": (PNG + chunk(b"IHDR", b"\0\0") + chunk(b"IEND", b""), "without a header"),
    "bmp": (BMP + bytes(1024), "10000x10000 pixels where"),
    "ppm": (b"P6 10000 10000 255\n" + bytes(30), "10000x10000 pixels where"),
    "ppm of a billion pixels": (b"P6 32000 32000 255\n" + bytes(30), "that exceed Pillow's limit"),
    "none": (b"GIF89a" + bytes(50), "no image that decodes"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_for_next_to_nothing(name: str) -> None:
    data, said = BOMBS[name]
    with memory_at_most(0), pytest.raises(ValueError, match=said):
        decode_image(data, cv2.IMREAD_COLOR)


@pytest.mark.parametrize("name", BOMBS)
def test_in_a_folder_the_error_names_the_file(tmp_path: Path, name: str) -> None:
    data, _ = BOMBS[name]
    file = tmp_path / "0.png"
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"0\.png: expected an image, found .*; replace it"):
        list(ImageFolder(tmp_path, 10))


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("read", [lambda file: read_id_map(file, (4, 4)), tells_objects_apart])
def test_as_masks_too(tmp_path: Path, name: str, read: Callable[[Path], Any]) -> None:
    file = tmp_path / "mask.png"
    file.write_bytes(BOMBS[name][0])
    with memory_at_most(0):
        attempt(lambda: read(file), InputError)


def test_texts_of_a_png_are_not_unpacked() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zeros(7_900_000))
    data = png(8, 8, *[text] * 1000, chunk(b"IDAT", zeros(72)))
    plain = png(8, 8, chunk(b"IDAT", zeros(72)))
    begun = time.process_time()
    decoded = decode_image(data, cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded, decode_image(plain, cv2.IMREAD_COLOR))
    # 8 GB: libpng takes 19 s for them.
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "options", [{"format": "PNG"}, {"format": "JPEG"}, {"format": "JPEG", "progressive": True}]
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_one_colour_is_no_bomb(options: dict[str, Any], mode: str) -> None:
    """The smallest files that an encoder writes for their size."""
    file = io.BytesIO()
    Image.new(mode, (4096, 3072)).save(file, **options)
    assert decode_image(file.getvalue(), cv2.IMREAD_COLOR).shape == (3072, 4096, 3)


def test_limit_holds_the_largest_cameras() -> None:
    assert MAX_PIXELS > 12288 * 6480
