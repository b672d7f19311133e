"""Palette PNG files hold the ids, and show them in the colours of DAVIS."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.indexed_png import (
    encode_id_map,
    palette_indices,
    read_id_map,
    tells_objects_apart,
)

SQUARE = np.pad(np.ones((4, 6), bool), 3)


def stored_indices(png: bytes) -> tuple[np.ndarray, int]:
    """Return the (H, W) palette indices and the colour type, read by the PNG specification."""
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


@pytest.mark.parametrize(
    ("pixels", "expected", "apart"),
    [
        (SQUARE, 1, True),
        (SQUARE * np.uint8(255), 255, True),
        (SQUARE * np.uint16(65535), 65535, True),
        (np.dstack([SQUARE * np.uint8(0), SQUARE * np.uint8(9), SQUARE * np.uint8(0)]), 1, False),
        # A cut-out: the picture everywhere, and where it is seen.
        (np.dstack([np.full((*SQUARE.shape, 3), 200), SQUARE * 255]).astype(np.uint8), 1, False),
        (np.dstack([np.full(SQUARE.shape, 200), SQUARE * 255]).astype(np.uint8), 1, False),
    ],
)
def test_masks_of_any_sort(tmp_path: Path, pixels: np.ndarray, expected: int, apart: bool) -> None:
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    found = read_id_map(tmp_path / "mask.png", SQUARE.shape)
    np.testing.assert_array_equal(found, np.where(SQUARE, expected, 0))
    assert tells_objects_apart(tmp_path / "mask.png") == apart


def test_pictures_that_do_not_keep_values_are_no_masks(tmp_path: Path) -> None:
    Image.fromarray(SQUARE * np.uint8(255)).save(tmp_path / "mask.png", "JPEG")
    with pytest.raises(InputError, match="found a JPEG, which does not preserve values"):
        read_id_map(tmp_path / "mask.png", SQUARE.shape)


def test_ids_that_are_too_large(tmp_path: Path) -> None:
    Image.fromarray(SQUARE * np.int32(65536)).save(tmp_path / "mask.tif")
    with pytest.raises(InputError, match="expected ids from 0 to 65535, found 0 to 65536"):
        read_id_map(tmp_path / "mask.tif", SQUARE.shape)


@pytest.mark.parametrize("read", [tells_objects_apart, lambda path: read_id_map(path, (1, 1))])
def test_files_that_are_no_pictures(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match="expected a mask image, found no such file"):
        read(tmp_path / "mask.png")
    (tmp_path / "mask.png").write_text("text")
    with pytest.raises(InputError, match="found no image that decodes"):
        read(tmp_path / "mask.png")
