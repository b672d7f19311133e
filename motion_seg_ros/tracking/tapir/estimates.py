"""What a TAPIR network says about points, and what may be believed of it.

Letters: T frames, N points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from motion_seg_ros.types import BoolArray, FloatArray
from motion_seg_ros.window import Window


@dataclass(frozen=True, eq=False)
class Estimates:
    """Where points are in some frames, oldest first, and how sure that is.

    Attributes:
        xy: (T, N, 2) float32 pixels, x right, y down.
        occlusion: (T, N) float32 logits: above 0, the point is rather hidden.
        expected_distance: (T, N) float32 logits: above 0, the position is rather far off.
    """

    xy: FloatArray
    occlusion: FloatArray
    expected_distance: FloatArray

    @classmethod
    def unknown(cls, frames: int, count: int) -> Estimates:
        """Of `count` points in `frames` frames nothing is known: surely hidden, surely far off."""
        never = np.full((frames, count), np.inf, np.float32)
        return cls(np.zeros((frames, count, 2), np.float32), never, never)

    @property
    def frames(self) -> int:
        """T."""
        return len(self.xy)

    @property
    def confidence(self) -> FloatArray:
        """(T, N) float32 in [0, 1]: trust in the positions."""
        return _complement_of_sigmoid(self.expected_distance)

    @property
    def visible(self) -> BoolArray:
        """(T, N) bool: visibility times confidence is above one half, as in TAPIR (Doersch et al.,
        ICCV 2023, section 3.4) and at https://github.com/nnanhuang/SegAnyMo."""
        return np.asarray(_complement_of_sigmoid(self.occlusion) * self.confidence > 0.5, bool)

    def newest(self, frames: int) -> Estimates:
        """The last `frames` frames at most."""
        first = max(0, self.frames - frames)
        return Estimates(self.xy[first:], self.occlusion[first:], self.expected_distance[first:])

    def without_newest(self, frames: int) -> Estimates:
        """All but the last `frames` frames."""
        end = self.frames - frames
        return Estimates(self.xy[:end], self.occlusion[:end], self.expected_distance[:end])

    def then(self, later: Estimates) -> Estimates:
        """These frames, and after them those of `later`, of the same points."""
        return self._joined(later, axis=0)

    def beside(self, others: Estimates) -> Estimates:
        """These points, and after them `others`, in the same frames."""
        return self._joined(others, axis=1)

    def select(self, some: BoolArray) -> Estimates:
        """The points at `some` (N,)."""
        return Estimates(self.xy[:, some], self.occlusion[:, some], self.expected_distance[:, some])

    def _joined(self, other: Estimates, axis: int) -> Estimates:
        return Estimates(
            np.concatenate((self.xy, other.xy), axis),
            np.concatenate((self.occlusion, other.occlusion), axis),
            np.concatenate((self.expected_distance, other.expected_distance), axis),
        )


def _complement_of_sigmoid(logits: FloatArray) -> FloatArray:
    """1 - sigmoid(logits), for any logits."""
    return np.asarray(0.5 - 0.5 * np.tanh(0.5 * logits), np.float32)


class PointFollower(Protocol):
    """Follows points through a stream; they stay in the order in which they were added."""

    def see(self, window: Window) -> None:
        """Take in the newest frame of `window`, which has not been seen before, and those before
        it that were not."""
        ...

    def follow(self) -> Estimates:
        """All points in the newest frames, as many of them as there is news about: 1 or more, and
        all since the last call that are in the window; in pixels of the frames."""
        ...

    def add(self, xy_px: FloatArray) -> Estimates:
        """Start points at `xy_px` (M, 2) of the newest frame; where they are in the newest frames,
        as many of them as can be told, 1 or more."""
        ...

    def keep(self, some: BoolArray) -> None:
        """Forget all points but those at `some` (N,)."""
        ...

    def reset(self) -> None:
        """Forget all points and frames."""
        ...
