"""8-bit palette PNG files, the DAVIS convention of mask files: OpenCV writes none, and reads their
colours in place of their indices."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.palette import id_palette
from motion_seg_ros.types import UInt8Array, UInt16Array

MAX_INDEX = 255
_NUMBERS = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L"})
"""Pillow's names of the kinds of pictures whose pixels are one number each."""


def palette_indices(id_map: UInt16Array) -> UInt8Array:
    """(H, W) uint8 palette index of each pixel: 0 = static; above 255 the ids start again at 1,
    never at 0."""
    ids = id_map.astype(np.int32)
    return np.where(ids > 0, 1 + (ids - 1) % MAX_INDEX, 0).astype(np.uint8)


def encode_id_map(id_map: UInt16Array) -> bytes:
    """An id map as an 8-bit palette PNG file, ids as of `palette_indices`.

    Args:
        id_map: (H, W) uint16, 0 = static, k = the object with id k.
    """
    picture = Image.fromarray(palette_indices(id_map))
    picture.putpalette(id_palette().tobytes())  # makes it a palette image
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def read_id_map(path: Path, size: tuple[int, int]) -> UInt16Array:
    """(H, W) uint16 ids of a mask file: palette indices or grey values; in a colour picture all
    that is not black is 1.

    Args:
        path: an image file.
        size: the height and width it must have.

    Raises:
        InputError: it is missing, does not decode, or has another size.
    """
    try:
        with Image.open(path) as picture:
            numbers = picture.mode in _NUMBERS
            pixels = np.asarray(picture if numbers else picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises each for damaged files
        found = "no picture that decodes" if path.is_file() else "no such file"
        raise InputError(f"{path}: expected a mask image, found {found}; replace it") from error
    if pixels.shape[:2] != size:
        raise InputError(
            f"{path}: expected {size[1]}x{size[0]} like its frame, found "
            f"{pixels.shape[1]}x{pixels.shape[0]}; replace it"
        )
    return np.asarray(pixels if numbers else pixels.any(axis=2), np.uint16)
