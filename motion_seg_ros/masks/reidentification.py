"""Ids of moving objects, and re-identification of those that come back into view."""

from __future__ import annotations

from collections.abc import Collection, KeysView
from dataclasses import dataclass, replace

import cv2
import numpy as np

from motion_seg_ros.types import BoolArray, FloatArray, Frame, MovingObject, UInt8Array

MAX_ID = 65535  # of the 16-bit id map

# Set by hand:
VELOCITY_SMOOTHING_S = 0.25
MIN_COLOUR_LIKENESS = 0.5  # Bhattacharyya coefficient
COLOUR_BINS = 8  # per channel
FULL_VIEW = 0.85  # of the remembered area; below it an object is taken to be partly hidden,
AREA_DECAY = 0.97  # or to shrink, by this factor a frame
REACH = 1.5  # distance in object sizes within which an object is looked for
MAX_COLOURED_PIXELS = 4096  # per object, for its histogram


@dataclass(frozen=True, eq=False)
class KnownObject:
    """An object as it was last seen, mostly in full view.

    Attributes:
        centroid_px: mean x, y of its pixels.
        velocity_px_s: smoothed velocity of the centroid; NaN while unknown.
        area_px: number of its pixels.
        colours: (COLOUR_BINS ** 3,) float32 histogram that sums to 1.
        stamp_ns: when it was last seen.
    """

    centroid_px: tuple[float, float]
    velocity_px_s: tuple[float, float]
    area_px: int
    colours: FloatArray
    stamp_ns: int


class Reidentifier:
    """Gives ids, and remembers the objects that have them.

    Args:
        memory_s: time after which an object out of sight is forgotten, in seconds.
        may_have_stopped: look for an object also where it was last seen, not only where it was
            going.
    """

    def __init__(self, memory_s: float, *, may_have_stopped: bool) -> None:
        self._memory_s = memory_s
        self._may_have_stopped = may_have_stopped
        self._last_id = 0
        self._known: dict[int, KnownObject] = {}

    def reset(self) -> None:
        """Forget all objects; ids go on."""
        self._known = {}

    @property
    def ids(self) -> KeysView[int]:
        """The ids of the remembered objects."""
        return self._known.keys()

    def new_id(self, in_use: Collection[int]) -> int:
        """Return the id of a new object.

        Ids ascend to MAX_ID, then start again at 1. An id is skipped while it is in use or its
        object is remembered. Where none is left, the object that was seen least recently is
        forgotten.

        Args:
            in_use: ids that must not be given, remembered or not; fewer than MAX_ID.
        """
        for step in range(MAX_ID):
            new = (self._last_id + step) % MAX_ID + 1
            if new not in in_use and new not in self._known:
                break
        else:
            out_of_sight = [each for each in self._known if each not in in_use]
            new = min(out_of_sight, key=lambda each: self._known[each].stamp_ns)
            del self._known[new]
        self._last_id = new
        return new

    def describe(
        self, object_id: int, mask: BoolArray, score: float, colours: FloatArray, stamp_ns: int
    ) -> MovingObject:
        """Describe an object in the newest frame, and remember it.

        Args:
            object_id: its id.
            mask: (H, W) bool, at least one pixel.
            score: belief that it moves, in [0, 1].
            colours: see KnownObject.
            stamp_ns: time of the frame.
        """
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        box = slice(y, y + height), slice(x, x + width)
        moments = cv2.moments(mask[box].view(np.uint8), binaryImage=True)
        area = int(moments["m00"])
        centroid = (x + moments["m10"] / area, y + moments["m01"] / area)
        before = self._known.get(object_id)
        velocity = _smoothed_velocity(before, centroid, stamp_ns)
        now = KnownObject(centroid, velocity, area, colours, stamp_ns)
        self._known[object_id] = _in_full_view(before, now)
        return MovingObject(object_id, score, (x, y, width, height), centroid, area, velocity)

    def match(
        self,
        centroid_px: tuple[float, float],
        colours: FloatArray,
        stamp_ns: int,
        in_sight: Collection[int],
    ) -> int | None:
        """Return the id of the remembered object that has come back into view, if any.

        It has the most similar colours of those expected near the place.

        Args:
            centroid_px: mean x, y of the pixels that belong to no object in sight.
            colours: their histogram, see KnownObject.
            stamp_ns: time of the frame.
            in_sight: ids of objects that it cannot be.
        """
        best, best_likeness = None, MIN_COLOUR_LIKENESS
        for object_id, known in self._known.items():
            if object_id in in_sight or self._distance(known, centroid_px, stamp_ns) > REACH:
                continue
            likeness = float(np.sqrt(colours * known.colours).sum())
            if likeness > best_likeness:
                best, best_likeness = object_id, likeness
        return best

    def _distance(
        self, known: KnownObject, centroid_px: tuple[float, float], stamp_ns: int
    ) -> float:
        """Return the distance to where an object is expected, in object sizes."""
        away_s = (stamp_ns - known.stamp_ns) * 1e-9
        step = np.array(centroid_px) - np.array(known.centroid_px)
        going = np.nan_to_num(np.array(known.velocity_px_s)) * away_s
        distance = np.linalg.norm(step - going)
        if self._may_have_stopped:
            distance = min(distance, np.linalg.norm(step))
        return float(distance / np.sqrt(known.area_px))

    def forget_old(self, stamp_ns: int, keep: Collection[int] = ()) -> None:
        """Forget the objects last seen `memory_s` before `stamp_ns`, except those to keep."""
        oldest = stamp_ns - int(self._memory_s * 1e9)
        self._known = {
            object_id: each
            for object_id, each in self._known.items()
            if each.stamp_ns >= oldest or object_id in keep
        }

    def drop(self, object_id: int) -> None:
        """Forget one object, if it is remembered."""
        self._known.pop(object_id, None)


def colour_histogram(pixels_bgr: UInt8Array) -> FloatArray:
    """Return the (COLOUR_BINS ** 3,) float32 shares of the colours of (M, 3) uint8 pixels."""
    levels = pixels_bgr.astype(np.int64) * COLOUR_BINS // 256
    bins = (levels[:, 0] * COLOUR_BINS + levels[:, 1]) * COLOUR_BINS + levels[:, 2]
    counts = np.bincount(bins, minlength=COLOUR_BINS**3)
    return np.asarray(counts / max(1, len(bins)), np.float32)


def colours_in(frame: Frame, mask: BoolArray) -> FloatArray:
    """Return the colour_histogram of a frame in an (H, W) mask; large masks are sampled."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(y, y + height), slice(x, x + width)
    pixels = frame.image_bgr[box][mask[box]]
    return colour_histogram(pixels[:: 1 + len(pixels) // MAX_COLOURED_PIXELS])


def _smoothed_velocity(
    before: KnownObject | None, centroid_px: tuple[float, float], stamp_ns: int
) -> tuple[float, float]:
    """Return x, y in px/s; NaN while unknown."""
    if before is None:
        return float("nan"), float("nan")
    if stamp_ns <= before.stamp_ns:
        return before.velocity_px_s
    elapsed = (stamp_ns - before.stamp_ns) * 1e-9
    now = (np.array(centroid_px) - np.array(before.centroid_px)) / elapsed
    last = np.array(before.velocity_px_s)
    keep = np.exp(-elapsed / VELOCITY_SMOOTHING_S) if np.isfinite(last).all() else 0.0
    smooth = now * (1 - keep) + np.nan_to_num(last) * keep
    return float(smooth[0]), float(smooth[1])


def _in_full_view(before: KnownObject | None, now: KnownObject) -> KnownObject:
    """Return what to remember of an object: its colours, size and velocity in full view while it
    vanishes behind something."""
    if before is None or not np.isfinite(before.velocity_px_s).all():
        return now
    if now.area_px > FULL_VIEW * before.area_px:
        return now
    return replace(
        now,
        area_px=max(1, int(AREA_DECAY * before.area_px)),
        colours=before.colours,
        velocity_px_s=before.velocity_px_s,
    )
