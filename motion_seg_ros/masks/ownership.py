"""Assignment of the connected parts of a mask to the objects that were there before.

Maps are (h, w) uint16 of object ids at working resolution, 0 = static.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.masks.boxes import box_around
from motion_seg_ros.types import BoolArray, FloatArray, UInt16Array

# Set by hand:
MIN_SHARE_OF_PART = 0.15  # an object that covers less of a part does not own it,
MIN_SHARE_OF_OBJECT = 0.3  # unless this much of the object is there
MIN_PIXELS = 12
MAX_GAP = 0.75  # between parts of one object, in sizes of the largest part
PLACE_SCALE_PX = 8.0  # distance that weighs as much as a pixel of difference in motion
MAX_DIFFERENCE_PX = 3.0  # in motion; larger ones weigh no more
ALIKE_PX = 1.0  # difference in motion below which two objects may be one


def ids_in(ids: UInt16Array) -> list[int]:
    """Return the ids in a map, ascending, without 0."""
    return [int(each) for each in np.flatnonzero(np.bincount(ids[ids > 0]))]


def owners_of_parts(
    parts: npt.NDArray[np.int32], count: int, carried: UInt16Array
) -> list[list[int]]:
    """Find the objects that each connected part holds by its pixels.

    Args:
        parts: (h, w) 0 = static, 1 to count - 1 the parts.
        count: number of parts, the static one included.
        carried: the last id map, moved along the flow.

    Returns:
        Ids by part; a part of several objects does not keep one whose greater share is elsewhere.
    """
    areas = np.bincount(carried[carried > 0], minlength=1)
    ids = np.array([0, *np.flatnonzero(areas)])
    number, column_of = len(ids), np.zeros(len(areas), np.int64)
    column_of[ids] = np.arange(number)
    moving = parts > 0
    of_pixels = parts[moving]
    cells = of_pixels * number + column_of[carried[moving]]
    pixels = np.bincount(cells, minlength=count * number).reshape(count, number)
    pixels[:, 0] = 0
    sizes = np.bincount(of_pixels, minlength=count)[:, None]
    enough = (pixels >= MIN_SHARE_OF_PART * sizes) | (pixels >= MIN_SHARE_OF_OBJECT * areas[ids])
    enough &= pixels >= MIN_PIXELS
    main_part = pixels.argmax(axis=0)
    owners = []
    for part in range(count):
        own = np.flatnonzero(enough[part])
        at_home = own[main_part[own] == part]
        owners.append(ids[at_home if len(at_home) else own[:1]].tolist())
    return owners


def divide(
    inside: BoolArray, carried: UInt16Array, owners: list[int], backward: FloatArray | None
) -> UInt16Array:
    """Split one connected part between its owners: return (h, w) ids, 0 outside of the part."""
    if len(owners) == 1:
        return np.asarray(inside * np.uint16(owners[0]), np.uint16)
    kept = np.where(inside & np.isin(carried, owners), carried, np.uint16(0))
    split = nearest_id(kept) if backward is None else _by_place_and_motion(kept, backward)
    return np.asarray(split * inside, np.uint16)


def _by_place_and_motion(kept: UInt16Array, backward: FloatArray) -> UInt16Array:
    """Return (h, w) the id that is near to each pixel and moves like it.

    Flow alone bleeds over the line where objects touch, and place alone keeps what has bled.
    """
    ids = ids_in(kept)
    costs = []
    for each in ids:
        own = kept == each
        away = cv2.distanceTransform(np.asarray(~own, np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
        difference = np.linalg.norm(backward - np.median(backward[own], axis=0), axis=2)
        costs.append(away / PLACE_SCALE_PX + np.minimum(difference, MAX_DIFFERENCE_PX))
    return np.asarray(np.array(ids, np.uint16)[np.argmin(costs, axis=0)], np.uint16)


def moving_alike(
    inside: BoolArray, carried: UInt16Array, owners: list[int], backward: FloatArray
) -> list[tuple[int, int]]:
    """Return the pairs (largest owner, other owner) of a part that move alike."""
    pixels = {each: inside & (carried == each) for each in owners}
    largest = max(owners, key=lambda each: int(np.count_nonzero(pixels[each])))
    motion = np.median(backward[pixels[largest]], axis=0)
    found = []
    for each in owners:
        if each != largest and pixels[each].any():
            step = np.median(backward[pixels[each]], axis=0) - motion
            if np.linalg.norm(step) < ALIKE_PX:
                found.append((largest, each))
    return found


def stray_parts(ids: UInt16Array) -> list[BoolArray]:
    """Return the parts too far from the largest part of their object to belong to it."""
    found = []
    for each in ids_in(ids):
        own = np.asarray(ids == each)
        box = box_around(own)
        count, parts = cv2.connectedComponents(own[box].view(np.uint8), connectivity=8)
        if count <= 2:
            continue
        areas = np.bincount(parts[own[box]])
        largest = int(areas.argmax())
        distance = cv2.distanceTransform(
            np.asarray(parts != largest, np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3
        )
        reach = MAX_GAP * float(np.sqrt(areas.max()))
        for part in range(1, count):
            if part != largest and distance[parts == part].min() > reach:
                stray = np.zeros_like(own)
                stray[box] = parts == part
                found.append(stray)
    return found


def nearest_id(ids: UInt16Array) -> UInt16Array:
    """Return (h, w) the non-zero id nearest to each pixel; there must be one."""
    empty = np.asarray(ids == 0, np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(nearest.max()) + 1, np.uint16)
    table[nearest[empty == 0]] = ids[empty == 0]
    return np.asarray(table[nearest], np.uint16)
