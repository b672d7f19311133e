"""A rehearsal: networks with random weights run, and a script says what trained ones would.

Nothing that random networks answer is of use, so that with them no track moves, points are lost at
once, and no object is ever followed: the pipeline would have next to nothing to do. Here each is
asked as always, and its answer is thrown away for that of a script: all points drift with the
image to the right, boxes drift with them, and what lies on a box moves. A box that has left on the
right comes again on the left, as a new object. So objects are found, followed, clicked again, lost
and found anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.build import Wrappers
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.tracking.tapir.estimates import Estimates, PointFollower
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, TrackLabels, Tracks
from motion_seg_ros.window import Window

# Set by hand.
CROSSING_FRAMES = 96  # in which a point drifts through the image
BOX_WIDTH = 0.4  # of the image's
MARGIN = 0.1  # above and below a box, of its share of the image's height
LEAST_MARGIN = 1 / 48  # of the image's height: boxes that touch would be taken for one object
SURE = 8.0  # logits
MOVES, STANDS = 0.99, 0.01  # probabilities


@dataclass(frozen=True)
class DriftingBox:
    """An object in one frame.

    Attributes:
        name: row, and number of times its box has come again; another name is another object.
        left, top, right, bottom: edges in pixels, outside of the image too.
    """

    name: tuple[int, int]
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, xy_px: FloatArray) -> BoolArray:
        """Return (N,) bool, True for (N, 2) points in it."""
        low, high = (self.left, self.top), (self.right, self.bottom)
        return np.asarray(((xy_px >= low) & (xy_px < high)).all(axis=1))

    def logits(self, size: tuple[int, int]) -> FloatArray:
        """Return (H, W) logits of an image of `size`: SURE in it, -SURE around it."""
        found = np.full(size, -SURE, np.float32)
        edges = np.rint([self.top, self.bottom, self.left, self.right]).astype(int)
        top, bottom, left, right = np.maximum(edges, 0)
        found[top:bottom, left:right] = SURE
        return found


def drift_px(size: tuple[int, int]) -> float:
    """Return the drift to the right per frame in an image of `size` (H, W)."""
    return size[1] / CROSSING_FRAMES


class Script:
    """Moving boxes.

    Args:
        objects: boxes in sight at once, each in a row of its own; 1 or more.
    """

    def __init__(self, objects: int) -> None:
        self._objects = objects

    def boxes(self, index: int, size: tuple[int, int]) -> list[DriftingBox]:
        """Return the boxes in frame `index` of a stream, of `size` (H, W)."""
        height, width = size
        row_height, box_width = height / self._objects, BOX_WIDTH * width
        margin = max(MARGIN * row_height, LEAST_MARGIN * height)
        way = width + box_width  # from one coming to the next
        found = []
        for row in range(self._objects):
            begun = way * (row + 1) / (self._objects + 1)
            times, right = divmod(begun + index * drift_px(size), way)
            top, bottom = row * row_height + margin, (row + 1) * row_height - margin
            found.append(DriftingBox((row, int(times)), right - box_width, top, right, bottom))
        return found

    def wrappers(self) -> Wrappers:
        """Return wrappers that make a pipeline follow this script."""
        return Wrappers(
            tracker=DriftingTracker,
            labeller=lambda labeller: ScriptedLabeller(labeller, self),
            segmenter=lambda segmenter: ScriptedSegmenter(segmenter, self),
        )


class DriftingTracker(TapirTracker):
    """Tracker whose points drift, whatever the network answers."""

    def __init__(
        self, follower: PointFollower, *, points: int = 1024, query_interval: int = 8
    ) -> None:
        super().__init__(DriftingFollower(follower), points=points, query_interval=query_interval)


class DriftingFollower:
    """Runs a PointFollower, and answers that all points drift and are visible."""

    def __init__(self, follower: PointFollower) -> None:
        self._follower = follower
        self._window: Window | None = None
        self._at_zero = np.zeros((0, 2), np.float32)

    def see(self, window: Window) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        self._follower.see(window)
        self._window = window

    def follow(self) -> Estimates:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        return self._instead(self._follower.follow(), self._at_zero)

    def add(self, xy_px: FloatArray) -> Estimates:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        found = self._follower.add(xy_px)
        new = xy_px - self._drifted(1)[0]
        self._at_zero = np.concatenate((self._at_zero, new))
        return self._instead(found, new)

    def keep(self, some: BoolArray) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        self._follower.keep(some)
        self._at_zero = self._at_zero[some]

    def reset(self) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        self._follower.reset()
        self._at_zero = self._at_zero[:0]

    def _drifted(self, frames: int) -> FloatArray:
        """Return (T, 1, 2), the drift since frame 0 of the newest T = `frames` frames."""
        assert self._window is not None  # a frame is seen first
        index = self._window.newest_index + np.arange(1 - frames, 1)
        right = index * drift_px(self._window.newest.size)
        return np.stack((right, np.zeros(frames)), axis=1)[:, None].astype(np.float32)

    def _instead(self, found: Estimates, at_zero: FloatArray) -> Estimates:
        xy_px = at_zero + self._drifted(found.frames)
        surely = np.full(xy_px.shape[:2], -SURE, np.float32)
        return Estimates(xy_px, surely, surely)


class ScriptedLabeller:
    """Runs a Labeller, and answers that tracks on a box move."""

    def __init__(self, labeller: Labeller, script: Script) -> None:
        self._labeller = labeller
        self._script = script

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._labeller.label(window, tracks, features, geometry)
        on = np.zeros(len(tracks), bool)
        for box in self._script.boxes(window.newest_index, window.newest.size):
            on |= box.holds(tracks.xy_px[-1])
        return TrackLabels(np.where(on, MOVES, STANDS).astype(np.float32))

    def reset(self) -> None:
        """See motion_seg_ros.labelling.base.Labeller."""
        self._labeller.reset()


class ScriptedSegmenter:
    """Runs a Segmenter, and answers that the box under the first click is the object."""

    def __init__(self, segmenter: Segmenter, script: Script) -> None:
        self._segmenter = segmenter
        self._script = script
        self._names: dict[int, tuple[int, int] | None] = {}  # of boxes, by object

    def see(self, frame: Frame, index: int) -> None:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        self._segmenter.see(frame, index)

    def kept(self) -> Sequence[int]:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        return self._segmenter.kept()

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        size = self._segmenter.click(index, xy_px).shape
        return self._logits(index, size, self._under(index, size, xy_px))

    def start(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        size = self._segmenter.start(object_id, index, xy_px).shape
        self._names[object_id] = self._under(index, size, xy_px)
        return self._logits(index, size, self._names[object_id])

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        size = self._segmenter.prompt(object_id, index, xy_px).shape
        return self._logits(index, size, self._names[object_id])

    def follow(self, object_id: int, index: int) -> FloatArray:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        size = self._segmenter.follow(object_id, index).shape
        return self._logits(index, size, self._names[object_id])

    def remove(self, object_id: int) -> None:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        self._segmenter.remove(object_id)
        del self._names[object_id]

    def reset(self) -> None:
        """See motion_seg_ros.masks.prompted.segmenter.Segmenter."""
        self._segmenter.reset()
        self._names.clear()

    def _under(
        self, index: int, size: tuple[int, ...], xy_px: FloatArray
    ) -> tuple[int, int] | None:
        boxes = self._script.boxes(index, (size[0], size[1]))
        return next((each.name for each in boxes if each.holds(xy_px[:1])[0]), None)

    def _logits(
        self, index: int, size: tuple[int, ...], name: tuple[int, int] | None
    ) -> FloatArray:
        height, width = size
        for box in self._script.boxes(index, (height, width)):
            if box.name == name:
                return box.logits((height, width))
        return np.full((height, width), -SURE, np.float32)
