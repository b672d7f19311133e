"""8-bit palette PNG files, the DAVIS convention of mask files: OpenCV writes none."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from motion_seg_ros.palette import id_palette
from motion_seg_ros.types import UInt8Array, UInt16Array

MAX_INDEX = 255


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
