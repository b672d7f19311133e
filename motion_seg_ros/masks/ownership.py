"""Which object each connected part of a mask belongs to, by what was there before.

Maps are (h, w) uint16 of object ids at working resolution, 0 = static.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, UInt16Array

MIN_SHARE_OF_PART = 0.15  # that an object must cover to own some of a part,
MIN_SHARE_OF_OBJECT = 0.3  # unless this much of the object is there
MIN_PIXELS = 12
MAX_GAP = 0.75  # between parts of one object, in sizes of the largest part
PLACE_SCALE_PX = 8.0  # of distance that weighs as much as a pixel of difference in motion
MAX_UNLIKENESS_PX = 3.0
ALIKE_PX = 1.0  # difference in motion of what may be one thing


def ids_in(ids: UInt16Array) -> list[int]:
    """The ids in a map, ascending; 0 is none."""
    return [int(each) for each in np.flatnonzero(np.bincount(ids.ravel())) if each > 0]


def owners_of_parts(
    parts: npt.NDArray[np.int32], count: int, carried: UInt16Array, areas: Int64Array
) -> list[list[int]]:
    """Objects that each connected part holds by its pixels.

    Args:
        parts: (h, w) 0 = static, 1 to count - 1 the parts.
        count: number of parts, the static one included.
        carried: the last id map, moved along the flow.
        areas: (K,) pixels of each id in `carried`.

    Returns:
        Ids by part; a part of several objects does not keep one whose greater share is elsewhere.
    """
    number = len(areas)
    cells = parts.astype(np.int64).ravel() * number + carried.ravel()
    pixels = np.bincount(cells, minlength=count * number).reshape(count, number)
    pixels[0], pixels[:, 0] = 0, 0
    sizes = np.bincount(parts.ravel(), minlength=count)[:, None]
    enough = (pixels >= MIN_SHARE_OF_PART * sizes) | (pixels >= MIN_SHARE_OF_OBJECT * areas)
    enough &= pixels >= MIN_PIXELS
    main_part = pixels.argmax(axis=0)
    owners = []
    for part in range(count):
        own = [int(each) for each in np.flatnonzero(enough[part])]
        at_home = [each for each in own if main_part[each] == part]
        owners.append(at_home or own[:1])
    return owners


def divide(
    inside: BoolArray, carried: UInt16Array, owners: list[int], backward: FloatArray | None
) -> UInt16Array:
    """Ids (h, w) of the pixels of one connected part, 0 elsewhere, split between its owners."""
    ids = np.zeros_like(carried)
    if len(owners) == 1:
        ids[inside] = owners[0]
        return ids
    y, x = np.nonzero(inside)
    box = (slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1))
    part = inside[box]
    kept = np.where(part & np.isin(carried[box], owners), carried[box], 0).astype(np.uint16)
    split = nearest_id(kept) if backward is None else _by_place_and_motion(kept, backward[box])
    ids[box] = np.where(part, split, 0)
    return ids


def _by_place_and_motion(kept: UInt16Array, backward: FloatArray) -> UInt16Array:
    """(h, w) the id that is near to each pixel and moves like it.

    Flow alone bleeds over the line where objects touch, and place alone keeps what has bled.
    """
    ids = ids_in(kept)
    costs = []
    for each in ids:
        own = kept == each
        away = cv2.distanceTransform(np.asarray(~own, np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
        unlike = np.linalg.norm(backward - np.median(backward[own], axis=0), axis=2)
        costs.append(away / PLACE_SCALE_PX + np.minimum(unlike, MAX_UNLIKENESS_PX))
    return np.asarray(np.array(ids, np.uint16)[np.argmin(costs, axis=0)], np.uint16)


def alike(
    inside: BoolArray, carried: UInt16Array, owners: list[int], backward: FloatArray
) -> list[tuple[int, int]]:
    """Pairs (largest owner, other owner) of a part that move alike."""
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


def strays(ids: UInt16Array) -> list[BoolArray]:
    """Parts too far from the largest part of their object to be the same thing."""
    found = []
    for each in ids_in(ids):
        own = np.asarray(ids == each, np.uint8)
        count, parts = cv2.connectedComponents(own, connectivity=8)
        if count <= 2:
            continue
        areas = np.bincount(parts.astype(np.int64).ravel())
        areas[0] = 0
        largest = int(areas.argmax())
        distance = cv2.distanceTransform(
            np.asarray(parts != largest, np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3
        )
        reach = MAX_GAP * float(np.sqrt(areas.max()))
        for part in range(1, count):
            if part != largest and distance[parts == part].min() > reach:
                found.append(np.asarray(parts == part))
    return found


def nearest_id(ids: UInt16Array) -> UInt16Array:
    """(h, w) the non-zero id nearest to each pixel; there must be one."""
    empty = np.asarray(ids == 0, np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(nearest.max()) + 1, np.uint16)
    table[nearest[empty == 0]] = ids[empty == 0]
    return np.asarray(table[nearest], np.uint16)
