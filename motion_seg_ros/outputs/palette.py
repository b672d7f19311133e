"""Colours of object ids: the PASCAL VOC colour map, which DAVIS uses too."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import UInt8Array


def id_palette() -> UInt8Array:
    """Return the colour of each id, (256, 3) uint8 red, green, blue; 0 is black.

    The bits of an id are assigned to the three channels in turn, highest colour bit first
    (VOCcolormap.m of the PASCAL VOC development kit, http://host.robots.ox.ac.uk/pascal/VOC/).
    """
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for level in range(8):
        for channel in range(3):
            bit = (ids >> (3 * level + channel)) & 1
            palette[:, channel] |= (bit << (7 - level)).astype(np.uint8)
    return palette
