"""Decoding of image files from strangers: what a file declares is checked before it is decoded.

A decoder reserves memory for the pixels that a header declares, whatever follows: a JPEG of 631
bytes can ask for 3 GB. JPEG and PNG are read here as far as their structure goes, so that no pixel
is paid for that the file's own bytes cannot hold; the other formats by Pillow.
"""

from __future__ import annotations

import io
import re
import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

MAX_PIXELS = 1024**3 // (4 * 3)
"""Most pixels of an image file: Pillow's default, a quarter of a GiB in 8-bit colour."""
MAX_JPEG_SCANS = 50
"""Each scan of a progressive JPEG goes through all pixels, and may take no bytes at all. libjpeg
writes ten; set by hand."""
PIXELS_PER_JPEG_BYTE = 8 * 64
"""Each block of 8x8 pixels takes at least one bit of a Huffman code (ITU-T T.81, F.1.2)."""
DEFLATE_RATIO = 1032
"""Bytes that one byte of a deflate stream can stand for, at most (zlib.net/zlib_tech.html)."""

_JPEG = b"\xff\xd8"
_PNG = b"\x89PNG\r\n\x1a\n"
_OTHERS = ("BMP", "PPM", "TIFF", "WEBP")
"""Pillow's names of the formats that a folder may hold beside JPEG and PNG."""

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
"""Marker with a segment behind it: FF00 is a byte of data, FFD0 to FFD7 and FF01 stand alone."""
_HUFFMAN_FRAMES = b"\xc0\xc1\xc2"
_OTHER_FRAMES = b"\xc3\xc5\xc6\xc7\xc9\xca\xcb\xcd\xce\xcf"
"""Lossless, hierarchical and arithmetic coding, which no camera uses; the last has no bound."""
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9

_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by colour type."""
_PNG_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
"""Chunks that pixels depend on, and their orientation. The others are left out: texts and profiles
are compressed, and a decoder unpacks them."""


def decode_image(data: bytes, flags: int, *, camera_only: bool = False) -> npt.NDArray[Any]:
    """Decode an image file with OpenCV.

    Memory for pixels: at most 512 times the bytes of a JPEG and 1032 times those of a PNG, and in
    every format MAX_PIXELS.

    Args:
        data: the file.
        flags: cv2.IMREAD_*.
        camera_only: accept JPEG and PNG alone.

    Raises:
        ValueError: the file cannot be decoded; the message is the evidence.
    """
    if not data:
        raise ValueError("empty")
    if data.startswith(_JPEG):
        _check_jpeg(data)
    elif data.startswith(_PNG):
        data = _checked_png(data)
    elif camera_only:
        raise ValueError("neither of them")
    else:
        _check_size(*_declared_size(data))
    try:
        image: npt.NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f"not decodable ({error.err})") from error
    if image is None:
        raise ValueError("not decodable")
    return image


def _check_jpeg(data: bytes) -> None:
    """Follow the segments of a JPEG to its end marker (ITU-T T.81, annex B), as libjpeg does.

    Raises:
        ValueError: it has no end, or declares more than its bytes can hold.
    """
    at, scans = len(_JPEG), 0
    while (marker := _MARKER.search(data, at)) is not None:
        kind, at = marker[0][1], marker.end()
        if kind == _END_OF_IMAGE:
            return
        length = max(2, int.from_bytes(data[at : at + 2], "big"))
        if kind in _OTHER_FRAMES:
            raise ValueError("a JPEG that is lossless or arithmetic coded")
        if kind in _HUFFMAN_FRAMES:
            height, width = (int.from_bytes(data[i : i + 2], "big") for i in (at + 3, at + 5))
            _check_size(height, width, PIXELS_PER_JPEG_BYTE * len(data))
        scans += kind == _START_OF_SCAN
        if scans > MAX_JPEG_SCANS:
            raise ValueError(f"a JPEG of more than {MAX_JPEG_SCANS} scans")
        at += length
    raise ValueError("a JPEG without its end")


def _checked_png(data: bytes) -> bytes:
    """Return a PNG without the chunks that its pixels do not depend on, and what follows it.

    Raises:
        ValueError: it has no end, or declares more than its bytes can hold.
    """
    at, kept, packed = len(_PNG), [_PNG], 0
    whole = True
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        if kind in _PNG_PIXELS:
            kept.append(data[at:end])
            packed += length * (kind == b"IDAT")
        else:
            whole = False
        if kind == b"IEND":
            _check_png_size(kept[1], DEFLATE_RATIO * packed)
            return data if whole else b"".join(kept)
        at = end
    raise ValueError("a PNG without its end")


def _check_png_size(first: bytes, unpacked: int) -> None:
    """Check the header chunk of a PNG whose pixels take at most `unpacked` bytes.

    Raises:
        ValueError: it is none, or declares more.
    """
    length, kind, width, height, depth, colour = struct.unpack_from(">I4sIIBB", first.ljust(25))
    if kind != b"IHDR" or length != 13 or colour not in _PNG_CHANNELS:
        raise ValueError("a PNG without a header")
    bits = depth * _PNG_CHANNELS[colour]
    _check_size(height, width, unpacked * 8 // max(1, bits))


def _declared_size(data: bytes) -> tuple[int, int]:
    """Return height and width in the header of an image file of one of the _OTHERS.

    Raises:
        ValueError: it is none.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_OTHERS) as picture:
            return picture.height, picture.width
    except Image.DecompressionBombError as error:
        raise ValueError("pixels that exceed Pillow's limit") from error
    except Exception as error:  # Pillow's parsers of foreign data raise many kinds
        raise ValueError("no image that decodes") from error


def _check_size(height: int, width: int, held: int = MAX_PIXELS) -> None:
    """Refuse a declared size.

    Args:
        height: declared.
        width: declared.
        held: pixels that the file's bytes can hold, at most.

    Raises:
        ValueError: more than that, or than MAX_PIXELS.
    """
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width}x{height} pixels where {MAX_PIXELS} are the most")
    if height * width > held:
        raise ValueError(f"{width}x{height} pixels in bytes that hold {held} at most")
