"""Two ways to follow points through a stream with a TAPIR network.

Over the window, forward and back, as the paper does; or frame by frame, with a memory for each
point. Either way a frame is encoded once, and a point described once, in its query frame.

Letters: T frames, N points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.flow.lookup import resized
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.tracking.tapir.network import (
    CausalState,
    FrameFeatures,
    PointFeatures,
    TapnetNetwork,
)
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array
from motion_seg_ros.window import Window


@dataclass(frozen=True, eq=False)
class _WindowPoints:
    """Points of the window follower.

    Attributes:
        features: N points.
        query_index: (N,) int64 index within the stream of each point's query frame.
        query_xy: (N, 2) float32 its position there, in the network's input.
    """

    features: PointFeatures
    query_index: Int64Array
    query_xy: FloatArray

    def beside(self, others: _WindowPoints) -> _WindowPoints:
        return _WindowPoints(
            self.features.beside(others.features),
            np.concatenate((self.query_index, others.query_index)),
            np.concatenate((self.query_xy, others.query_xy)),
        )

    def select(self, some: BoolArray) -> _WindowPoints:
        return _WindowPoints(
            self.features.select(some), self.query_index[some], self.query_xy[some]
        )


class WindowFollower:
    """Locates points in all frames of the window at once, by their features in their query frame,
    even when that has left the window.

    The cost is proportional to the number of frames. So the whole window is only processed every
    `update_interval` frames, when estimates in earlier frames are refined by later ones; in
    between only the newest `tail` frames are, or all new ones if these are more, and only the
    estimates since the last refinement change. New points are located in the whole window at once.

    Args:
        network: not a causal one.
        update_interval: frames from one refinement of the whole window to the next; 1 = every
            frame, the paper's way.
        tail: frames processed in between, 1 or more.
    """

    def __init__(self, network: TapnetNetwork, *, update_interval: int, tail: int) -> None:
        self._network = network
        self._update_interval = update_interval
        self._tail = tail
        self.reset()

    def reset(self) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        self._frames: dict[int, FrameFeatures] = {}  # by index within the stream, ascending
        self._size = (1, 1)
        self._points: _WindowPoints | None = None
        self._refined = 0  # newest frame when the whole window was last processed
        self._followed = 0  # newest frame when the points were last located

    def see(self, window: Window) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        if not self._frames:
            self._refined = self._followed = window.newest_index
        self._size = window.newest.size
        self._frames = {
            index: self._frames.get(index) or self._network.encode(frame.image_bgr)
            for index, frame in enumerate(window.frames, window.first_index)
        }

    def follow(self) -> Estimates:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        if self._points is None:
            return Estimates.unknown(1, 0)
        stale, new = self._newest - self._refined, self._newest - self._followed
        self._followed = self._newest
        if stale < self._update_interval:
            return self._find(self._points, max(self._tail, new)).newest(stale)
        self._refined = self._newest
        return self._find(self._points, len(self._frames))

    def add(self, xy_px: FloatArray) -> Estimates:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        xy = _to_network(xy_px, self._size, self._network.side)
        features = self._network.describe(self._frames[self._newest], xy)
        new = _WindowPoints(features, np.full(len(xy), self._newest, np.int64), xy)
        found = self._find(new, len(self._frames))
        self._points = new if self._points is None else self._points.beside(new)
        return found

    def keep(self, some: BoolArray) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        if self._points is not None:
            self._points = self._points.select(some)

    @property
    def _newest(self) -> int:
        return next(reversed(self._frames))

    def _find(self, points: _WindowPoints, frames: int) -> Estimates:
        """Locate `points` in the newest `frames` frames."""
        newest = list(self._frames.values())[-frames:]
        first = self._newest - len(newest) + 1
        query_frame = (points.query_index - first).astype(np.float32)
        query = np.column_stack((query_frame, points.query_xy))
        found = self._network.estimate(newest, points.features, query)
        return _to_image(found, self._network.side, self._size)


class CausalFollower:
    """Follows points frame by frame, with a memory for each. Estimates are never refined, and there
    are none before the query frame of a point.

    Args:
        network: a causal one.
    """

    def __init__(self, network: TapnetNetwork) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        self._frames: list[FrameFeatures] = []  # the new ones, oldest first
        self._newest = -1
        self._size = (1, 1)
        self._points: tuple[PointFeatures, CausalState] | None = None

    def see(self, window: Window) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        self._size = window.newest.size
        # Without points to follow through them, earlier frames do not matter.
        since = window.newest_index - 1 if self._points is None else self._newest
        images = [each.newest.image_bgr for each in window.after(since)]
        self._frames = [self._network.encode(each) for each in images]
        self._newest = window.newest_index

    def follow(self) -> Estimates:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        if self._points is None:
            return Estimates.unknown(1, 0)
        features, state = self._points
        found = Estimates.unknown(0, len(features))
        for frame in self._frames:
            step, state = self._network.step(frame, features, state)
            found = found.then(step)
        self._points = features, state
        return _to_image(found, self._network.side, self._size)

    def add(self, xy_px: FloatArray) -> Estimates:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        if not self._frames:
            raise ValueError("CausalFollower.add: expected a frame seen before, found none")
        xy = _to_network(xy_px, self._size, self._network.side)
        frame = self._frames[-1]
        features = self._network.describe(frame, xy)
        found, state = self._network.step(frame, features, self._network.start(len(xy)))
        if self._points is not None:
            old_features, old_state = self._points
            features, state = old_features.beside(features), CausalState.joined((old_state, state))
        self._points = features, state
        return _to_image(found, self._network.side, self._size)

    def keep(self, some: BoolArray) -> None:
        """See motion_seg_ros.tracking.tapir.estimates.PointFollower."""
        if self._points is not None:
            features, state = self._points
            self._points = features.select(some), state.select(some)


def _to_network(xy_px: FloatArray, size: tuple[int, int], side: int) -> FloatArray:
    """Convert positions in a frame of `size` (H, W), where pixel centres are whole numbers, to the
    network's input, where pixel corners are."""
    return resized(xy_px, size, (side, side)) + np.float32(0.5)


def _to_image(found: Estimates, side: int, size: tuple[int, int]) -> Estimates:
    """Convert estimates in the network's input to a frame of `size` (H, W); see _to_network."""
    xy_px = resized(found.xy_px - np.float32(0.5), (side, side), size)
    return Estimates(xy_px, found.occlusion, found.expected_distance)
