"""Estimates of a TAPIR network, and the interface of what follows points with one.

Letters: T frames, N points.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from motion_seg_ros.types import BoolArray, FloatArray, RawTracks
from motion_seg_ros.window import Window


class Estimates(RawTracks):
    """Outputs of a TAPIR network for points in some frames, oldest first."""

    @classmethod
    def unknown(cls, frames: int, count: int) -> Estimates:
        """Return estimates of `count` points in `frames` frames as surely hidden and far off."""
        never = np.full((frames, count), np.inf, np.float32)
        return cls(np.zeros((frames, count, 2), np.float32), never, never)

    @property
    def frames(self) -> int:
        """Number T of frames."""
        return len(self.xy_px)

    @property
    def confidence(self) -> FloatArray:
        """Confidence in the positions, (T, N) float32 in [0, 1]."""
        return _complement_of_sigmoid(self.expected_distance)

    @property
    def visible(self) -> BoolArray:
        """Mask (T, N) of points whose visibility times confidence is above one half, as in TAPIR
        (Doersch et al., ICCV 2023, section 3.4) and at https://github.com/nnanhuang/SegAnyMo."""
        return np.asarray(_complement_of_sigmoid(self.occlusion) * self.confidence > 0.5, bool)

    def newest(self, frames: int) -> Estimates:
        """Return the last `frames` frames at most."""
        return self._part(slice(max(0, self.frames - frames), None))

    def without_newest(self, frames: int) -> Estimates:
        """Return all but the last `frames` frames."""
        return self._part(slice(self.frames - frames))

    def then(self, later: Estimates) -> Estimates:
        """Append the frames of `later`, of the same points."""
        return self._joined(later, axis=0)

    def beside(self, others: Estimates) -> Estimates:
        """Append the points of `others`, in the same frames."""
        return self._joined(others, axis=1)

    def select(self, some: BoolArray) -> Estimates:
        """Return the points where `some` (N,) is True."""
        return self._part((slice(None), some))

    def _part(self, some: slice | tuple[slice, BoolArray]) -> Estimates:
        return Estimates(self.xy_px[some], self.occlusion[some], self.expected_distance[some])

    def _joined(self, other: Estimates, axis: int) -> Estimates:
        return Estimates(
            np.concatenate((self.xy_px, other.xy_px), axis),
            np.concatenate((self.occlusion, other.occlusion), axis),
            np.concatenate((self.expected_distance, other.expected_distance), axis),
        )


def _complement_of_sigmoid(logits: FloatArray) -> FloatArray:
    """Return 1 - sigmoid(logits), for any logits."""
    return np.asarray(0.5 - 0.5 * np.tanh(0.5 * logits), np.float32)


class PointFollower(Protocol):
    """Follows points through a stream; they stay in the order in which they were added."""

    def see(self, window: Window) -> None:
        """Add the newest frame of `window`, and those before it that are new."""
        ...

    def follow(self) -> Estimates:
        """Return estimates of all points in the newest frames, in pixels of the frames.

        In as many frames as have changed: 1 or more, and at least all those of the window that are
        new since the last call.
        """
        ...

    def add(self, xy_px: FloatArray) -> Estimates:
        """Start points at `xy_px` (M, 2) of the newest frame.

        Returns:
            Estimates of them in the newest frames, as many as are possible, 1 or more.
        """
        ...

    def keep(self, some: BoolArray) -> None:
        """Forget all points but those where `some` (N,) is True."""
        ...

    def reset(self) -> None:
        """Forget all points and frames."""
        ...
