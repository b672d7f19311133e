"""Moving pixels -> objects, with ids that stay with them."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.dense import pixel_grid, remap
from motion_seg_ros.masks.ownership import (
    alike,
    divide,
    ids_in,
    nearest_id,
    owners_of_parts,
    strays,
)
from motion_seg_ros.masks.reidentification import (
    MAX_ID,
    MIN_COLOUR_LIKENESS,
    REACH,
    Sighting,
    histogram,
    remembered,
    smoothed_velocity,
)
from motion_seg_ros.masks.track_owners import TrackOwners
from motion_seg_ros.types import (
    BoolArray,
    FloatArray,
    Frame,
    Int64Array,
    MovingObject,
    ObjectMasks,
    Tracks,
    UInt8Array,
    UInt16Array,
)

MEMORY_S = 1.5  # an object out of sight is forgotten after this
MERGE_FRAMES = 10  # that touching objects move alike before they count as one


class ObjectRegistry:
    """Splits masks into objects and gives each its id.

    A connected part of the mask belongs to the object whose pixels, carried along by flow, or else
    whose tracks it holds. Several near parts may belong to one object (a pole in front of a
    walker); a part that holds several objects is divided between them. A part that holds none, or
    has strayed from its object, takes the id of an object out of sight for less than MEMORY_S if it
    is where that one was going and looks like it; otherwise a new id.
    """

    def __init__(self) -> None:
        self._last_id = 0
        self.reset()

    def reset(self) -> None:
        """Forget all objects; ids go on."""
        self._known: dict[int, Sighting] = {}
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
        """Objects of a frame.

        Args:
            moving: (H, W) bool.
            log_odds: (h, w) float32 belief that a pixel moves, working resolution.
            frame: the frame.
            tracks: tracks that end at the frame.
            backward: (h, w, 2) flow to the frame before, or None.
        """
        size = log_odds.shape[0], log_odds.shape[1]
        carried = self._carried(backward, size)
        ids, unknown = self._claimed(_shrink(moving, size), carried, tracks, frame.size, backward)
        image = _shrink_image(frame, size)
        in_sight = set(ids_in(carried))
        for part in [*unknown, *strays(ids)]:
            taken = in_sight | set(ids_in(ids))
            ids[part] = self._returning(part, image, frame, taken) or self._new_id()
        id_map = _enlarge(ids, moving)
        objects = self._describe(id_map, ids, log_odds, image, frame.stamp_ns)
        self._id_map = ids
        self._remember_tracks(tracks, id_map)
        self._forget(frame.stamp_ns)
        return ObjectMasks(id_map, objects)

    def _claimed(
        self,
        moving: UInt8Array,
        carried: UInt16Array,
        tracks: Tracks,
        full_size: tuple[int, int],
        backward: FloatArray | None,
    ) -> tuple[UInt16Array, list[BoolArray]]:
        """Ids of the parts that objects seen before hold, and the parts that none does."""
        ids = np.zeros(carried.shape, np.uint16)
        unknown: list[BoolArray] = []
        areas = np.bincount(carried.ravel(), minlength=self._last_id + 1)
        x, y = _pixels_of(tracks.xy_px[-1], full_size, carried.shape).T
        last_seen_on = np.where(tracks.visible[-1], self._owners.of(tracks.ids), 0)
        count, parts = cv2.connectedComponents(moving, connectivity=8)
        by_pixels = owners_of_parts(np.asarray(parts, np.int32), count, carried, areas)
        for part in range(1, count):
            inside = np.asarray(parts == part)
            votes = np.bincount(last_seen_on[inside[y, x]], minlength=2)[1:]
            owners = by_pixels[part] or ([int(votes.argmax()) + 1] if votes.any() else [])
            if not owners:
                unknown.append(inside)
                continue
            if len(owners) > 1 and backward is not None:
                owners = self._merged(owners, alike(inside, carried, owners, backward))
            ids[inside] = divide(inside, carried, owners, backward)[inside]
        return ids, unknown

    def _carried(self, backward: FloatArray | None, size: tuple[int, int]) -> UInt16Array:
        """(h, w) the last id map where flow says its pixels are now."""
        if self._id_map is None or backward is None or self._id_map.shape != size:
            return np.zeros(size, np.uint16)
        place = pixel_grid(size) + backward
        return np.asarray(remap(self._id_map, place, outside=0, nearest=True), np.uint16)

    def _merged(self, owners: list[int], pairs: list[tuple[int, int]]) -> list[int]:
        """The owners of one part, less those that have moved like the largest for long."""
        for pair in pairs:
            self._together[pair] = self._together.get(pair, 0) + 1
        gone = {pair[1] for pair in pairs if self._together[pair] > MERGE_FRAMES}
        return [each for each in owners if each not in gone]

    def _returning(
        self, inside: BoolArray, image: UInt8Array, frame: Frame, taken: set[int]
    ) -> int | None:
        """The object out of sight that this part is, if any."""
        scale = frame.size[1] / inside.shape[1]
        y, x = np.nonzero(inside)
        centroid = np.array([x.mean(), y.mean()]) * scale
        colours = histogram(image[inside])
        best, best_likeness = None, MIN_COLOUR_LIKENESS
        for known in self._known.values():
            if known.id in taken:
                continue
            away_s = (frame.stamp_ns - known.stamp_ns) * 1e-9
            velocity = np.nan_to_num(np.array(known.velocity_px_s))
            expected = np.array(known.centroid_px) + velocity * away_s
            near = np.linalg.norm(centroid - expected) < REACH * np.sqrt(known.area_px)
            likeness = float(np.sqrt(colours * known.colours).sum())
            if near and likeness > best_likeness:
                best, best_likeness = known.id, likeness
        return best

    def _new_id(self) -> int:
        self._last_id = self._last_id % MAX_ID + 1
        return self._last_id

    def _describe(
        self,
        id_map: UInt16Array,
        ids: UInt16Array,
        log_odds: FloatArray,
        image: UInt8Array,
        stamp_ns: int,
    ) -> tuple[MovingObject, ...]:
        objects = []
        for each in ids_in(ids):
            own = np.asarray(id_map == each, np.uint8)
            x, y, width, height = cv2.boundingRect(own)
            moments = cv2.moments(own[y : y + height, x : x + width], binaryImage=True)
            area = int(moments["m00"])
            if area == 0:
                continue
            centroid = (x + moments["m10"] / area, y + moments["m01"] / area)
            small = ids == each
            score = float((1 / (1 + np.exp(-log_odds[small]))).mean())
            velocity = smoothed_velocity(self._known.get(each), centroid, stamp_ns)
            objects.append(
                MovingObject(each, score, (x, y, width, height), centroid, area, velocity)
            )
            colours = histogram(image[small])
            seen = Sighting(each, centroid, velocity, area, colours, stamp_ns)
            self._known[each] = remembered(self._known.get(each), seen)
        return tuple(objects)

    def _remember_tracks(self, tracks: Tracks, id_map: UInt16Array) -> None:
        """Note which object each track is on; a track off the mask keeps its object."""
        x, y = _pixels_of(tracks.xy_px[-1], id_map.shape, id_map.shape).T
        now = np.where(tracks.visible[-1], id_map[y, x], 0).astype(np.int64)
        self._owners.keep(tracks.ids, np.where(now > 0, now, self._owners.of(tracks.ids)))

    def _forget(self, stamp_ns: int) -> None:
        limit_ns = stamp_ns - int(MEMORY_S * 1e9)
        self._known = {each.id: each for each in self._known.values() if each.stamp_ns >= limit_ns}
        self._together = {
            pair: frames
            for pair, frames in self._together.items()
            if pair[0] in self._known and pair[1] in self._known
        }


def _shrink(mask: BoolArray, size: tuple[int, int]) -> UInt8Array:
    small = cv2.resize(
        np.asarray(mask, np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(small, np.uint8)


def _shrink_image(frame: Frame, size: tuple[int, ...]) -> UInt8Array:
    small = cv2.resize(frame.image_bgr, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _enlarge(ids: UInt16Array, moving: BoolArray) -> UInt16Array:
    """(H, W) each moving pixel with the id nearest to it."""
    if not ids.any():
        return np.zeros(moving.shape, np.uint16)
    everywhere = nearest_id(ids)
    large = cv2.resize(
        everywhere, (moving.shape[1], moving.shape[0]), interpolation=cv2.INTER_NEAREST
    )
    return np.where(moving, large, 0).astype(np.uint16)


def _pixels_of(xy_px: FloatArray, size: tuple[int, ...], new_size: tuple[int, ...]) -> Int64Array:
    """(N, 2) x, y of the pixels that points of an image of `size` are on when it is resized."""
    factor = np.array([new_size[1] / size[1], new_size[0] / size[0]])
    pixels = np.floor((xy_px + 0.5) * factor).astype(np.int64)
    return np.asarray(np.clip(pixels, 0, [new_size[1] - 1, new_size[0] - 1]), np.int64)
