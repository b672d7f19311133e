"""Moving pixels split into objects, with ids that stay with them."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import pixel_grid, remap
from motion_seg_ros.masks.boxes import box_around, resized_box
from motion_seg_ros.masks.ownership import (
    divide,
    ids_in,
    moving_alike,
    nearest_id,
    owners_of_parts,
    stray_parts,
)
from motion_seg_ros.masks.reidentification import Reidentifier, colour_histogram
from motion_seg_ros.masks.track_owners import TrackOwners
from motion_seg_ros.types import (
    BoolArray,
    FloatArray,
    Frame,
    Int64Array,
    ObjectMasks,
    Tracks,
    UInt8Array,
    UInt16Array,
)

# Set by hand:
MEMORY_S = 1.5  # an object out of sight is forgotten after this
MERGE_FRAMES = 10  # that touching objects move alike before they count as one


class ObjectRegistry:
    """Splits masks into objects and gives each its id.

    A connected part of the mask belongs to the object whose pixels, carried along by flow, or else
    whose tracks it holds. Several near parts may belong to one object (a pole in front of a
    walker); a part that holds several objects is divided between them. A part that holds none, or
    has strayed from its object, is re-identified as an object out of sight (see
    motion_seg_ros.masks.reidentification), or gets a new id.
    """

    def __init__(self) -> None:
        self._reidentifier = Reidentifier(MEMORY_S, may_have_stopped=False)
        self.reset()

    def reset(self) -> None:
        """Forget all objects; ids go on."""
        self._reidentifier.reset()
        self._together: dict[tuple[int, int], int] = {}  # frames that pairs moved alike in a part
        self._id_map: UInt16Array | None = None  # working resolution
        self._owners = TrackOwners()

    def assign(
        self,
        moving: BoolArray,
        log_odds: FloatArray,
        frame: Frame,
        tracks: Tracks,
        backward: FloatArray | None,
    ) -> ObjectMasks:
        """Return the objects of a frame.

        Args:
            moving: (H, W) bool.
            log_odds: (h, w) float32 belief that a pixel moves, working resolution.
            frame: the frame.
            tracks: tracks that end at the frame.
            backward: (h, w, 2) flow to the frame before, or None.
        """
        size = log_odds.shape[0], log_odds.shape[1]
        small = cv2.resize(moving.view(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
        image = cv2.resize(frame.image_bgr, size[::-1], interpolation=cv2.INTER_AREA)
        carried = self._carried(backward, size)
        ids, unknown = self._claimed(
            np.asarray(small, np.uint8), carried, tracks, frame.size, backward
        )
        in_sight = set(ids_in(carried))
        for part in [*unknown, *stray_parts(ids)]:
            in_sight |= set(ids_in(ids))
            ids[part] = self._id_of(part, np.asarray(image, np.uint8), frame, in_sight)
        id_map = _enlarged(ids, moving)
        objects = []
        for each in ids_in(ids):
            own, mask = ids == each, np.asarray(id_map == each)
            if mask.any():
                box = box_around(own)
                score = float((1 / (1 + np.exp(-log_odds[own]))).mean())
                colours = colour_histogram(np.asarray(image[box][own[box]], np.uint8))
                objects.append(
                    self._reidentifier.describe(each, mask, score, colours, frame.stamp_ns)
                )
        self._id_map = ids
        self._remember_tracks(tracks, id_map)
        self._reidentifier.forget_old(frame.stamp_ns)
        known = self._reidentifier.ids
        self._together = {
            pair: frames for pair, frames in self._together.items() if known >= set(pair)
        }
        return ObjectMasks(id_map, tuple(objects))

    def _claimed(
        self,
        moving: UInt8Array,
        carried: UInt16Array,
        tracks: Tracks,
        full_size: tuple[int, int],
        backward: FloatArray | None,
    ) -> tuple[UInt16Array, list[BoolArray]]:
        """Return the ids of the parts that known objects hold, and the parts that none holds."""
        ids = np.zeros(carried.shape, np.uint16)
        unknown: list[BoolArray] = []
        x, y = _pixels_of(tracks.xy_px[-1], full_size, carried.shape).T
        last_seen_on = np.where(tracks.visible[-1], self._owners.of(tracks.ids), 0)
        count, parts = cv2.connectedComponents(moving, connectivity=8)
        part_of_track = parts[y, x]
        by_pixels = owners_of_parts(np.asarray(parts, np.int32), count, carried)
        for part in range(1, count):
            inside = np.asarray(parts == part)
            votes = np.bincount(last_seen_on[part_of_track == part], minlength=2)[1:]
            owners = by_pixels[part] or ([int(votes.argmax()) + 1] if votes.any() else [])
            if not owners:
                unknown.append(inside)
                continue
            box = box_around(inside)
            here = inside[box], carried[box]
            flow = None if backward is None else backward[box]
            if len(owners) > 1 and flow is not None:
                owners = self._merged(owners, moving_alike(*here, owners, flow))
            ids[box] += divide(*here, owners, flow)
        return ids, unknown

    def _carried(self, backward: FloatArray | None, size: tuple[int, int]) -> UInt16Array:
        """Return the last id map (h, w) moved along the flow."""
        if self._id_map is None or backward is None:
            return np.zeros(size, np.uint16)
        last = self._id_map
        if last.shape != size:  # the working size was changed
            last = np.asarray(cv2.resize(last, size[::-1], interpolation=cv2.INTER_NEAREST))
        place = pixel_grid(size) + backward
        return np.asarray(remap(last, place, outside=0, nearest=True), np.uint16)

    def _merged(self, owners: list[int], pairs: list[tuple[int, int]]) -> list[int]:
        """Return the owners of one part without those that have long moved like the largest."""
        for pair in pairs:
            self._together[pair] = self._together.get(pair, 0) + 1
        gone = {pair[1] for pair in pairs if self._together[pair] > MERGE_FRAMES}
        return [each for each in owners if each not in gone]

    def _id_of(self, inside: BoolArray, image: UInt8Array, frame: Frame, in_sight: set[int]) -> int:
        """Return the id of an object out of sight that a part shows, or a new one."""
        scale = frame.size[1] / inside.shape[1]
        y, x = np.nonzero(inside)
        centroid = float(x.mean()) * scale, float(y.mean()) * scale
        known = self._reidentifier.match(
            centroid, colour_histogram(image[inside]), frame.stamp_ns, in_sight
        )
        return known or self._reidentifier.new_id(in_sight | self._owners.all())

    def _remember_tracks(self, tracks: Tracks, id_map: UInt16Array) -> None:
        """Note which object each track is on; a track off the mask keeps its object."""
        x, y = _pixels_of(tracks.xy_px[-1], id_map.shape, id_map.shape).T
        now = np.where(tracks.visible[-1], id_map[y, x], 0).astype(np.int64)
        self._owners.keep(tracks.ids, np.where(now > 0, now, self._owners.of(tracks.ids)))


def _enlarged(ids: UInt16Array, moving: BoolArray) -> UInt16Array:
    """Return (H, W) ids: each moving pixel has the one nearest to it."""
    if not ids.any():
        return np.zeros(moving.shape, np.uint16)
    near, box = ids.copy(), resized_box(box_around(moving), moving.shape, ids.shape)
    near[box] = nearest_id(ids[box])
    large = cv2.resize(near, moving.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(large * moving, np.uint16)


def _pixels_of(xy_px: FloatArray, size: tuple[int, ...], new_size: tuple[int, ...]) -> Int64Array:
    """Return (N, 2) x, y of the pixels that points of an image of `size` fall on when it is
    resized to `new_size`."""
    factor = np.array([new_size[1] / size[1], new_size[0] / size[0]])
    pixels = np.floor((xy_px + 0.5) * factor).astype(np.int64)
    return np.asarray(np.clip(pixels, 0, [new_size[1] - 1, new_size[0] - 1]), np.int64)
