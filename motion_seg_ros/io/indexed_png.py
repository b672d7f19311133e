"""8-bit palette PNG files, the DAVIS convention for masks.

With Pillow: OpenCV writes no palettes, and reads colours instead of indices.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.orientation import shown, shown_size, stored_size
from motion_seg_ros.outputs.palette import id_palette
from motion_seg_ros.types import UInt8Array, UInt16Array

MAX_INDEX = 255
MAX_ID = 65535
_NUMBERS = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L"})
"""Pillow's modes with one number per pixel."""


def palette_indices(id_map: UInt16Array) -> UInt8Array:
    """Return the (H, W) uint8 palette indices of ids: 0 = static; ids above 255 start again at
    1."""
    ids = id_map.astype(np.int32)
    return np.where(ids > 0, 1 + (ids - 1) % MAX_INDEX, 0).astype(np.uint8)


def encode_id_map(id_map: UInt16Array) -> bytes:
    """Encode an id map as an 8-bit palette PNG file, with the ids of `palette_indices`.

    Args:
        id_map: (H, W) uint16, 0 = static, k = object id.
    """
    picture = Image.fromarray(palette_indices(id_map))
    picture.putpalette(id_palette().tobytes())  # makes it a palette image
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def tells_objects_apart(path: Path) -> bool:
    """Return True if a mask file holds ids, and not only foreground and background.

    Raises:
        InputError: it is missing, or not an image.
    """
    try:
        with Image.open(path) as picture:
            return picture.mode in _NUMBERS
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise _no_mask(path) from error


def read_id_map(path: Path, size: tuple[int, int]) -> UInt16Array:
    """Return the (H, W) uint16 ids of a mask file: palette indices or grey values; in an image with
    colours or transparency, 1 where it is neither black nor fully transparent.

    Args:
        path: an image file.
        size: expected height and width.

    Raises:
        InputError: it is missing, does not decode, has another size or ids above 65535, or is a
            JPEG, which does not preserve values.
    """
    try:
        with Image.open(path) as picture:
            found = stored_size(picture)
            if found in (size, size[::-1]):  # else before it is decoded, as a PNG is for its EXIF
                found = shown_size(picture)
            if found != size:
                raise InputError(
                    f"{path}: expected {size[1]}x{size[0]} like its frame, found "
                    f"{found[1]}x{found[0]}; replace it"
                )
            numbers, lossy = picture.mode in _NUMBERS, picture.format == "JPEG"
            upright = shown(picture)
            pixels = np.asarray(upright if numbers else upright.convert("RGBA"))
    except InputError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise _no_mask(path) from error
    if lossy:
        raise InputError(
            f"{path}: expected a mask image, found a JPEG, which does not preserve values; save "
            "masks as PNG"
        )
    if not numbers:
        return np.asarray(pixels[..., :3].any(axis=2) & (pixels[..., 3] > 0), np.uint16)
    if pixels.max(initial=0) > MAX_ID or pixels.min(initial=0) < 0:
        raise InputError(
            f"{path}: expected ids from 0 to {MAX_ID}, found {pixels.min()} to {pixels.max()}; "
            "save masks with such ids"
        )
    return np.asarray(pixels, np.uint16)


def _no_mask(path: Path) -> InputError:
    found = "no image that decodes" if path.is_file() else "no such file"
    return InputError(f"{path}: expected a mask image, found {found}; replace it")
