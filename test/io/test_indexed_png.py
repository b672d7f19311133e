"""Palette PNG files hold the ids, and show them in the colours of DAVIS."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

from motion_seg_ros.io.indexed_png import encode_id_map, palette_indices


def stored_indices(png: bytes) -> tuple[np.ndarray, int]:
    """What lies in the file, read by the PNG specification: (H, W) palette indices, colour type."""
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    width, height, depth, colour_type = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, len(chunks[b"PLTE"])) == (8, 768)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width)
    assert not rows[:, 0].any()
    return rows[:, 1:], colour_type


def test_file_holds_the_ids_in_palette_indices() -> None:
    ids = np.arange(20 * 12, dtype=np.uint16).reshape(12, 20)
    indices, colour_type = stored_indices(encode_id_map(ids))
    assert colour_type == 3
    np.testing.assert_array_equal(indices, ids)


def test_opencv_decodes_the_first_colours_of_davis() -> None:
    ids = np.array([[0, 1, 2, 3, 4]], np.uint16)
    picture = cv2.imdecode(np.frombuffer(encode_id_map(ids), np.uint8), cv2.IMREAD_COLOR)
    rgb = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]]
    np.testing.assert_array_equal(picture[0, :, ::-1], rgb)


def test_every_id_but_0_shows_in_some_colour() -> None:
    ids = np.arange(256, dtype=np.uint16)[None]
    picture = cv2.imdecode(np.frombuffer(encode_id_map(ids), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(picture.any(axis=2), ids != 0)


def test_ids_above_255_start_again_at_1() -> None:
    ids = np.array([[0, 254, 255, 256, 257, 510, 511, 65535]], np.uint16)
    assert palette_indices(ids).tolist() == [[0, 254, 255, 1, 2, 255, 1, 255]]
