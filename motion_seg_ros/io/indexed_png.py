"""8-bit palette PNG files, the DAVIS convention of mask files: OpenCV writes none."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from motion_seg_ros.palette import id_palette
from motion_seg_ros.types import UInt8Array, UInt16Array

MAX_INDEX = 255


def palette_indices(id_map: UInt16Array) -> UInt8Array:
    """(H, W) uint8 palette index of each pixel: 0 = static; above 255 the ids start again at 1,
    never at 0."""
    ids = id_map.astype(np.int32)
    return np.where(ids > 0, 1 + (ids - 1) % MAX_INDEX, 0).astype(np.uint8)


def encode_id_map(id_map: UInt16Array) -> bytes:
    """An id map as a PNG file of colour type 3 (https://www.w3.org/TR/png-3/), ids as of
    `palette_indices`.

    Args:
        id_map: (H, W) uint16, 0 = static, k = the object with id k.
    """
    indices = palette_indices(id_map)
    height, width = indices.shape
    rows = np.zeros((height, 1 + width), np.uint8)  # each row starts with its filter type, 0 = none
    rows[:, 1:] = indices
    bit_depth, colour_type, compression, filtering, interlace = 8, 3, 0, 0, 0
    header = struct.pack(
        ">IIBBBBB", width, height, bit_depth, colour_type, compression, filtering, interlace
    )
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", id_palette().tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
