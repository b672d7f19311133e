"""What is remembered of objects: ids, velocities, and how to know one that comes back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, FloatArray, Frame, MovingObject, UInt8Array

MAX_ID = 65535  # of the 16-bit id map
VELOCITY_SMOOTHING_S = 0.25
MIN_COLOUR_LIKENESS = 0.5  # Bhattacharyya coefficient
COLOUR_BINS = 8  # per channel
FULL_VIEW = 0.85  # of the area remembered: below it an object is taken to be partly hidden,
AREA_DECAY = 0.97  # or to get smaller, by this factor a frame
REACH = 1.5  # object sizes from where it was or was going, for one that comes back
MAX_COLOURED_PIXELS = 4096  # looked at, of one object


@dataclass(frozen=True, eq=False)
class Sighting:
    """An object as it was last seen, by and large in full view.

    Attributes:
        id: of the object.
        centroid_px: mean x, y of its pixels.
        velocity_px_s: of the centroid, smoothed; NaN while unknown.
        area_px: pixels.
        colours: (COLOUR_BINS ** 3,) float32 histogram that sums to 1.
        stamp_ns: when it was seen.
    """

    id: int
    centroid_px: tuple[float, float]
    velocity_px_s: tuple[float, float]
    area_px: int
    colours: FloatArray
    stamp_ns: int


class Sightings:
    """Gives ids, and remembers the objects that have them.

    Args:
        memory_s: an object is forgotten so long after it was last seen, in seconds.
    """

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._last_id = 0
        self._known: dict[int, Sighting] = {}

    def reset(self) -> None:
        """Forget all objects; ids go on."""
        self._known = {}

    @property
    def ids(self) -> Collection[int]:
        """Of the objects remembered."""
        return self._known.keys()

    def new_id(self) -> int:
        """An id that no object has had; after MAX_ID ids, one that none remembered has."""
        self._last_id = self._last_id % MAX_ID + 1
        while self._last_id in self._known:
            self._last_id = self._last_id % MAX_ID + 1
        return self._last_id

    def describe(self, object_id: int, mask: BoolArray, score: float, frame: Frame) -> MovingObject:
        """An object in the newest frame, which is remembered.

        Args:
            object_id: its id.
            mask: (H, W) bool, at least one pixel.
            score: belief that it moves, in [0, 1].
            frame: the frame.
        """
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        box = slice(y, y + height), slice(x, x + width)
        moments = cv2.moments(mask[box].view(np.uint8), binaryImage=True)
        area = int(moments["m00"])
        centroid = (x + moments["m10"] / area, y + moments["m01"] / area)
        velocity = smoothed_velocity(self._known.get(object_id), centroid, frame.stamp_ns)
        colours = colour_histogram(frame, mask)
        now = Sighting(object_id, centroid, velocity, area, colours, frame.stamp_ns)
        self._known[object_id] = remembered(self._known.get(object_id), now)
        return MovingObject(object_id, score, (x, y, width, height), centroid, area, velocity)

    def returning(self, mask: BoolArray, frame: Frame, taken: Collection[int]) -> int | None:
        """The remembered object, none of `taken`, that a mask shows: it looks like it and is where
        that one was or was going. None where there is none."""
        y, x = np.nonzero(mask)
        if len(x) == 0:
            return None
        centroid = np.array([x.mean(), y.mean()])
        colours = colour_histogram(frame, mask)
        best, best_likeness = None, MIN_COLOUR_LIKENESS
        for known in self._known.values():
            if known.id in taken or _distance(known, centroid, frame.stamp_ns) > REACH:
                continue
            likeness = float(np.sqrt(colours * known.colours).sum())
            if likeness > best_likeness:
                best, best_likeness = known.id, likeness
        return best

    def forget(self, stamp_ns: int, keep: Collection[int]) -> None:
        """Forget what was last seen too long before `stamp_ns`, but for the ids to keep."""
        oldest = stamp_ns - int(self._memory_s * 1e9)
        self._known = {
            each.id: each
            for each in self._known.values()
            if each.stamp_ns >= oldest or each.id in keep
        }

    def drop(self, object_id: int) -> None:
        """Forget one object, if it is remembered: it is a part of another one."""
        self._known.pop(object_id, None)


def smoothed_velocity(
    known: Sighting | None, centroid_px: tuple[float, float], stamp_ns: int
) -> tuple[float, float]:
    """x, y in px/s of an object now at a centroid, by how it was last seen; NaN while unknown."""
    if known is None:
        return float("nan"), float("nan")
    if stamp_ns <= known.stamp_ns:
        return known.velocity_px_s
    elapsed = (stamp_ns - known.stamp_ns) * 1e-9
    now = (np.array(centroid_px) - np.array(known.centroid_px)) / elapsed
    before = np.array(known.velocity_px_s)
    keep = np.exp(-elapsed / VELOCITY_SMOOTHING_S) if np.isfinite(before).all() else 0.0
    smooth = now * (1 - keep) + np.nan_to_num(before) * keep
    return float(smooth[0]), float(smooth[1])


def colour_histogram(frame: Frame, mask: BoolArray) -> FloatArray:
    """(COLOUR_BINS ** 3,) float32 shares of the colours in an (H, W) mask, of every n-th pixel
    where there are many."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(y, y + height), slice(x, x + width)
    pixels = frame.image_bgr[box][mask[box]]
    return histogram(pixels[:: 1 + len(pixels) // MAX_COLOURED_PIXELS])


def histogram(pixels_bgr: UInt8Array) -> FloatArray:
    """(COLOUR_BINS ** 3,) float32 shares of the colours of (M, 3) uint8 pixels."""
    levels = pixels_bgr.astype(np.int64) * COLOUR_BINS // 256
    bins = (levels[:, 0] * COLOUR_BINS + levels[:, 1]) * COLOUR_BINS + levels[:, 2]
    counts = np.bincount(bins, minlength=COLOUR_BINS**3)
    return np.asarray(counts / max(1, len(bins)), np.float32)


def _distance(known: Sighting, centroid: npt.NDArray[np.float64], stamp_ns: int) -> float:
    """From where an object was last, or from where it was going, in its sizes."""
    away_s = (stamp_ns - known.stamp_ns) * 1e-9
    last = np.array(known.centroid_px)
    expected = last + np.nan_to_num(np.array(known.velocity_px_s)) * away_s
    near = min(np.linalg.norm(centroid - last), np.linalg.norm(centroid - expected))
    return float(near / np.sqrt(known.area_px))


def remembered(before: Sighting | None, now: Sighting) -> Sighting:
    """What to remember of an object: while it vanishes behind something, its look, size and
    velocity in full view."""
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
