"""Stand-in for BootsTAPIR, whose package is not everywhere."""

from __future__ import annotations

from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.types import BoolArray, FloatArray
from motion_seg_ros.window import Window


class IdleFollower:
    """Follows no point."""

    def see(self, window: Window) -> None:
        self.frames = len(window)

    def follow(self) -> Estimates:
        return Estimates.unknown(self.frames, 0)

    def add(self, xy_px: FloatArray) -> Estimates:
        return Estimates.unknown(self.frames, len(xy_px))

    def keep(self, some: BoolArray) -> None:
        pass

    def reset(self) -> None:
        pass
