"""Which object each connected part of a mask belongs to, by what was there before.

Maps are (h, w) uint16 of object ids at working resolution, 0 = static.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, UInt8Array, UInt16Array

MIN_SHARE_OF_PART = 0.15  # that an object must cover to own some of a part,
MIN_SHARE_OF_OBJECT = 0.3  # unless this much of the object is there
MIN_PIXELS = 12
MAX_GAP = 0.75  # between parts of one object, in sizes of the largest part
NEW_SHARE = 0.25  # of its owners' area that a newcomer in their part covers at least
NEW_MIN_SHARE = 1e-3  # of the image
PLACE_SCALE_PX = 8.0  # of distance that weighs as much as a pixel of difference in motion
MAX_UNLIKENESS_PX = 3.0
NEW_STEP_PX = 1.0  # difference of its motion to its neighbour's


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
) -> tuple[UInt16Array, list[BoolArray]]:
    """Split one connected part between its owners.

    Returns:
        (h, w) ids of the part's pixels; and the regions of it that move unlike their owner and are
        not its own: something else that came to touch it.
    """
    kept = np.where(inside & np.isin(carried, owners), carried, 0).astype(np.uint16)
    ids = np.zeros_like(kept)
    if not kept.any():
        ids[inside] = owners[0]
        return ids, []
    ids[inside] = nearest_id(kept)[inside]
    newcomers = []
    if backward is not None:
        if len(owners) > 1:
            ids[inside] = _by_place_and_motion(kept, backward)[inside]
        count, regions = _regions_of(inside & (kept == 0))
        owned = np.count_nonzero(kept)
        least = max(NEW_SHARE * owned, NEW_MIN_SHARE * inside.size)
        for region in range(1, count):
            here = regions == region
            if np.count_nonzero(here) < least:
                continue
            owner = int(np.bincount(ids[here]).argmax())
            step = np.median(backward[here], axis=0) - np.median(backward[kept == owner], axis=0)
            if np.linalg.norm(step) > NEW_STEP_PX:
                newcomers.append(here)
    return ids, newcomers


def _by_place_and_motion(kept: UInt16Array, backward: FloatArray) -> UInt16Array:
    """(h, w) the id that is near to each pixel and moves like it.

    Flow alone bleeds over the line where objects touch, and place alone keeps what has bled.
    """
    ids = np.unique(kept[kept > 0])
    costs = []
    for each in ids:
        own = kept == each
        away = cv2.distanceTransform(np.asarray(~own, np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
        unlike = np.linalg.norm(backward - np.median(backward[own], axis=0), axis=2)
        costs.append(away / PLACE_SCALE_PX + np.minimum(unlike, MAX_UNLIKENESS_PX))
    return np.asarray(ids[np.argmin(costs, axis=0)], np.uint16)


def strays(ids: UInt16Array) -> list[BoolArray]:
    """Parts too far from the largest part of their object to be the same thing."""
    found = []
    for each in np.unique(ids[ids > 0]):
        own = np.asarray(ids == each, np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        if count <= 2:
            continue
        areas = stats[1:, cv2.CC_STAT_AREA]
        largest = int(areas.argmax()) + 1
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


def _regions_of(mask: BoolArray) -> tuple[int, npt.NDArray[np.int32]]:
    """Connected regions of a mask without its thin rims."""
    core: UInt8Array = np.asarray(
        cv2.morphologyEx(np.asarray(mask, np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)),
        np.uint8,
    )
    count, regions = cv2.connectedComponents(core, connectivity=8)
    return count, np.asarray(regions, np.int32)
